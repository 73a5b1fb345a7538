import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import {
  IFF_RUNNING,
  IFF_UP,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFMTU,
  SIOCSIFFLAGS,
  SIOCSIFMTU,
} from "../sys/device.js";
import { IFLA_TXQLEN, NETLINK_ROUTE, RTM_NEWLINK } from "../sys/netlink.js";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../sys/socket.js";
import { attribute32, ifinfo, Netlink } from "./netlink.js";

/** Longest name of an interface, without the closing zero. */
const NAME_BYTES = 15;
/** struct ifreq: a name of 16 bytes and a union. */
const IFREQ_BYTES = 40;

/** A struct ifreq with its name filled in. */
export function ifreq(name: string): Buffer {
  if (name.length > NAME_BYTES) throw new Error(`interface name ${name} is too long`);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 0, "latin1");
  return request;
}

function control(request: number, arg: Buffer, what: string): void {
  const fd = must(libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  try {
    must(libc().ioctl(fd, request, arg), what);
  } finally {
    libc().close(fd);
  }
}

/** Sets an interface up, with more IFF_ flags where asked. */
export function setUp(name: string, more = 0): void {
  setFlags(name, (flags) => flags | IFF_UP | more);
}

/** Sets an interface down. */
export function setDown(name: string): void {
  setFlags(name, (flags) => flags & ~IFF_UP);
}

/** Sets those of an interface's IFF_ flags that `mask` names, as `flags` has them. */
export function setThese(name: string, mask: number, flags: number): void {
  setFlags(name, (now) => (now & ~mask) | (flags & mask));
}

/** An interface's IFF_ flags. */
export function flagsOf(name: string): number {
  const request = ifreq(name);
  control(SIOCGIFFLAGS, request, `SIOCGIFFLAGS ${name}`);
  return request.readUInt16LE(16);
}

function setFlags(name: string, change: (flags: number) => number): void {
  const request = ifreq(name);
  request.writeUInt16LE(change(flagsOf(name)), 16);
  control(SIOCSIFFLAGS, request, `SIOCSIFFLAGS ${name}`);
}

/** Whether an interface is up and has a link. */
export function isRunning(name: string): boolean {
  return (flagsOf(name) & IFF_RUNNING) !== 0;
}

/** An interface's MTU. */
export function mtuOf(name: string): number {
  const request = ifreq(name);
  control(SIOCGIFMTU, request, `SIOCGIFMTU ${name}`);
  return request.readInt32LE(16);
}

/** Sets an interface's MTU. */
export function setMtu(name: string, bytes: number): void {
  const request = ifreq(name);
  request.writeInt32LE(bytes, 16);
  control(SIOCSIFMTU, request, `SIOCSIFMTU ${name}`);
}

/**
 * Sets how many packets wait on an interface to be sent. By netlink, which asks for CAP_NET_ADMIN
 * of the namespace; SIOCSIFTXQLEN wants it of the machine (net/core/dev_ioctl.c: dev_ioctl).
 */
export function setQueueLength(name: string, packets: number): void {
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    const request = Buffer.concat([
      ifinfo(interfaceIndex(name)),
      attribute32(IFLA_TXQLEN, packets),
    ]);
    netlink.request(RTM_NEWLINK, 0, request, `IFLA_TXQLEN ${name}`);
  } finally {
    netlink.close();
  }
}

/** An interface's hardware address, 6 bytes. */
export function hardwareAddress(name: string): Buffer {
  const request = ifreq(name);
  control(SIOCGIFHWADDR, request, `SIOCGIFHWADDR ${name}`);
  return Buffer.from(request.subarray(18, 24));
}

/** An interface's number; 0 where there is none of this name. */
export function interfaceIndex(name: string): number {
  return libc().if_nametoindex(name);
}
