import { readFileSync, statSync } from "node:fs";
import { ENOSPC, EPERM, errno, errnoName } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Unavailable } from "../unavailable.js";
import { setUp } from "./device.js";

const CLONE_NEWNET = 0x40000000;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** What to do where a namespace is refused; ENOSPC is its user's limit (user_namespaces(7)). */
const NETNS_REMEDIES: Readonly<Record<number, string>> = {
  [EPERM]: "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1",
  [ENOSPC]: "sysctl user.max_net_namespaces=10000",
};

/** The network namespace of this thread, as the inode of its file. */
export function networkNamespace(): number {
  return Number(statSync("/proc/thread-self/ns/net").ino);
}

/**
 * Moves this thread into a network namespace of its own with the loopback up. The namespace, its
 * interfaces, routes and sockets go when the process ends, however it ends.
 *
 * @param host namespace that must be left: that of whoever started the run.
 * @throws Unavailable where the user may not.
 */
export function enterFreshNamespace(host: number): void {
  if (libc().unshare(CLONE_NEWNET) !== 0) {
    const code = errno();
    throw new Unavailable(
      "netns",
      `a network namespace cannot be made (${errnoName(code)})`,
      NETNS_REMEDIES[code] ?? "use a kernel with CONFIG_NET_NS",
    );
  }
  // The one check that stands between a run and the host's interfaces.
  if (networkNamespace() === host) throw new Error("still in the host's network namespace");
  setUp("lo");
}

/** Whether this process is in the first user namespace, whose root is the machine's. */
export function inFirstUserNamespace(): boolean {
  const map = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  return map.join(" ") === "0 0 4294967295";
}

/** Lets the kernel end this process when its parent dies; false if the parent is gone already. */
export function dieWithParent(parent: number): boolean {
  libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return libc().getppid() === parent;
}

/** A file of this thread's network namespace under /proc, such as `netstat`. */
export function readNetFile(name: string): string {
  return readFileSync(`/proc/thread-self/net/${name}`, "utf8");
}
