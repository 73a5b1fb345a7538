import { writeFileSync } from "node:fs";

/** The least of tcp_rmem, as the kernel has it. */
const LEAST_BYTES = 4096;

/**
 * Sets what a new TCP socket of this network namespace has as its receive buffer, and grows to at
 * most (net.ipv4.tcp_rmem, for IPv6 too; net/ipv4/tcp.c: tcp_init_sock). The namespace's owner may
 * do that without any right on the machine, unless /proc/sys is mounted read-only.
 *
 * @returns whether it was done.
 */
export function setReceiveMemory(bytes: number): boolean {
  try {
    writeFileSync("/proc/sys/net/ipv4/tcp_rmem", `${LEAST_BYTES} ${bytes} ${bytes}`);
    return true;
  } catch {
    return false;
  }
}
