import type { SteerRule } from "../../driver/steering.js";
import { SystemError } from "../ffi/errno.js";
import { MAX_MTU } from "../sys/device.js";
import { IFLA_MAX_MTU, NETLINK_ROUTE, RTM_GETLINK } from "../sys/netlink.js";
import { interfaceIndex, mtuOf, setMtu } from "./device.js";
import { indirection, setIndirection, steerAllTo } from "./ethtool.js";
import { attributesOf, Netlink } from "./netlink.js";
import { addFilter, filtersOf, removeFilter } from "./ntuple.js";

/** struct ifinfomsg. */
const LINK_HEADER_BYTES = 16;

/** A NIC port that a run may set up as it needs it, and that it leaves as it was. */
export class LentPort {
  readonly name: string;
  readonly #mtu: number;
  #queues: readonly number[] | null = null;
  readonly #filters: number[] = [];

  constructor(name: string) {
    this.name = name;
    this.#mtu = mtuOf(name);
  }

  /** Sets the largest MTU that the port takes, so that frames of the capture go out whole. */
  widen(): void {
    try {
      setMtu(this.name, Math.min(MAX_MTU, maxMtu(this.name) || MAX_MTU));
    } catch (error) {
      // A port that refuses keeps its own; longer segments are split then.
      if (!(error instanceof SystemError)) throw error;
    }
  }

  /**
   * Sends flows to RX queues: all of them to `queue`, none, or those that some rule matches; the
   * others go to `rest`.
   *
   * @throws SystemError where the driver cannot.
   */
  steer(which: "all" | "none" | readonly SteerRule[], queue: number, rest: number): void {
    this.#queues ??= indirection(this.name);
    steerAllTo(this.name, which === "all" ? queue : rest);
    if (typeof which === "string") return;
    for (const filter of filtersOf(which)) this.#filters.push(addFilter(this.name, filter, queue));
  }

  /** Undoes all that was set; what the driver refuses stays. Safe more than once. */
  restore(): void {
    for (const place of this.#filters.splice(0)) attempt(() => removeFilter(this.name, place));
    if (this.#queues !== null) {
      const queues = this.#queues;
      attempt(() => setIndirection(this.name, queues));
    }
    if (mtuOf(this.name) !== this.#mtu) attempt(() => setMtu(this.name, this.#mtu));
    this.#queues = null;
  }
}

function attempt(undo: () => void): void {
  try {
    undo();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/** The largest MTU that a driver names for a port; 0 where it names none. */
function maxMtu(name: string): number {
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    const header = Buffer.alloc(LINK_HEADER_BYTES);
    header.writeInt32LE(interfaceIndex(name), 4);
    const [answer] = netlink.request(RTM_GETLINK, 0, header, `RTM_GETLINK ${name}`);
    const max = attributesOf(answer!.subarray(LINK_HEADER_BYTES)).get(IFLA_MAX_MTU);
    return max?.readUInt32LE() ?? 0;
  } finally {
    netlink.close();
  }
}
