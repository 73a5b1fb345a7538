import { closeSync, openSync } from "node:fs";
import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { IFF_PROMISC, IFF_UP } from "../sys/device.js";
import { NETLINK_ROUTE, RTM_NEWLINK } from "../sys/netlink.js";
import { Unavailable } from "../unavailable.js";
import { flagsOf, interfaceIndex, setThese } from "./device.js";
import { attribute32, Netlink } from "./netlink.js";

const CLONE_NEWNET = 0x40000000;
const IFLA_NET_NS_FD = 28;

/** What a run changes, and a move between namespaces too: an interface arrives down. */
const CHANGED = IFF_UP | IFF_PROMISC;

/**
 * Interfaces of the user that a run may use: moved into the run's own network namespace, so that
 * its rules and routes touch nothing else, and back at the end, up and promiscuous as they were.
 * Should the process die, the kernel itself moves them to the first namespace; virtual ones, a veth
 * pair's ends, it takes away (net/core/dev.c, default_device_exit_net).
 */
export class BorrowedInterfaces {
  /** Those that are here, and the flags that they had at home. */
  readonly #flags = new Map<string, number>();
  readonly #home: number;
  readonly #own: number;
  #borrowed = true;

  /**
   * @param host process whose network namespace has the interfaces.
   * @throws Unavailable where one is not there.
   */
  constructor(names: readonly string[], host: number) {
    this.#own = openSync("/proc/thread-self/ns/net", "r");
    this.#home = openSync(`/proc/${host}/ns/net`, "r");
    try {
      this.#atHome(() => {
        for (const name of names) {
          if (interfaceIndex(name) === 0) throw missing(name);
        }
        for (const name of names) {
          const flags = flagsOf(name);
          moveTo(name, this.#own);
          this.#flags.set(name, flags);
        }
      });
    } catch (error) {
      this.giveBack();
      throw error;
    }
  }

  /** Moves the interfaces back; safe more than once. */
  giveBack(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    try {
      for (const name of this.#flags.keys()) moveTo(name, this.#home);
      this.#atHome(() => {
        for (const [name, flags] of this.#flags) setThese(name, CHANGED, flags);
      });
    } finally {
      closeSync(this.#home);
      closeSync(this.#own);
    }
  }

  /** Does something in the namespace from which the interfaces come. */
  #atHome(task: () => void): void {
    must(libc().setns(this.#home, CLONE_NEWNET), "setns");
    try {
      task();
    } finally {
      must(libc().setns(this.#own, CLONE_NEWNET), "setns");
    }
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
