import { closeSync, openSync } from "node:fs";
import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { NETLINK_ROUTE, RTM_NEWLINK } from "../sys/netlink.js";
import { Unavailable } from "../unavailable.js";
import { interfaceIndex } from "./device.js";
import { attribute32, Netlink } from "./netlink.js";

const CLONE_NEWNET = 0x40000000;
const IFLA_NET_NS_FD = 28;

/**
 * Interfaces of the user that a run may use: moved into the run's own network namespace, so that
 * its rules and routes touch nothing else, and back at the end. Should the process die, the kernel
 * itself moves them to the first namespace (net/core/dev.c, default_device_exit_net).
 */
export class BorrowedInterfaces {
  readonly #names: readonly string[];
  readonly #home: number;
  readonly #own: number;
  #borrowed = true;

  /**
   * @param host process whose network namespace has the interfaces.
   * @throws Unavailable where one is not there.
   */
  constructor(names: readonly string[], host: number) {
    this.#names = names;
    this.#own = openSync("/proc/thread-self/ns/net", "r");
    this.#home = openSync(`/proc/${host}/ns/net`, "r");
    must(libc().setns(this.#home, CLONE_NEWNET), "setns");
    try {
      for (const name of names) {
        if (interfaceIndex(name) === 0) throw missing(name);
      }
      for (const name of names) moveTo(name, this.#own);
    } finally {
      must(libc().setns(this.#own, CLONE_NEWNET), "setns");
    }
  }

  /** Moves the interfaces back; safe more than once. */
  giveBack(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    for (const name of this.#names) moveTo(name, this.#home);
    closeSync(this.#home);
    closeSync(this.#own);
  }
}

function moveTo(name: string, namespace: number): void {
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    // struct ifinfomsg: family, pad, type, index, flags, change
    const header = Buffer.alloc(16);
    header.writeInt32LE(interfaceIndex(name), 4);
    const message = Buffer.concat([header, attribute32(IFLA_NET_NS_FD, namespace)]);
    netlink.request(RTM_NEWLINK, 0, message, `moving ${name}`);
  } finally {
    netlink.close();
  }
}

function missing(name: string): Unavailable {
  return new Unavailable("interface", `there is no interface ${name}`, "see ip link");
}
