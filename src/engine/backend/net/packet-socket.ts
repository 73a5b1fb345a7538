import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW } from "../sys/socket.js";
import { interfaceIndex } from "./device.js";

/** struct sockaddr_ll. */
const ADDRESS_BYTES = 20;

/** A packet socket of protocol 0, which sends and never receives; bound to no interface yet. */
export function openPacketSocket(): number {
  return must(libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "socket(packet)");
}

/** What the socket sends leaves by this interface. */
export function bindPacketSocket(fd: number, name: string): void {
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(interfaceIndex(name), 4);
  must(libc().bind(fd, address, ADDRESS_BYTES), `bind(packet, ${name})`);
}
