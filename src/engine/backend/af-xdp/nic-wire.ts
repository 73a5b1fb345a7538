import { LINKTYPE_ETHERNET } from "../../wire/link.js";
import { kernelNowNs, sleepNs } from "../clock.js";
import { SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { BorrowedInterfaces } from "../net/borrow.js";
import { interfaceIndex, isRunning, setUp } from "../net/device.js";
import { LentPort } from "../net/lent-port.js";
import { bindPacketSocket, openPacketSocket } from "../net/packet-socket.js";
import { IFF_PROMISC } from "../sys/device.js";
import { Unavailable } from "../unavailable.js";
import type { ZeroCopyLink } from "../zero-copy/link.js";
import { XdpAttachment, type XdpWire } from "./xdp-wire.js";

/** How long a port that was set up may take to find its peer. */
const CARRIER_NS = 5e9;
const STEP_NS = 5e6;

/**
 * A NIC port with an XDP program, and the port that is wired to it: frames leave the peer by a
 * packet socket and arrive when they arrive.
 *
 *      packet socket [frame] -> peer ~ wire ~> port, RX queue -> XDP redirect -> UMEM, RX ring
 *
 * Both are borrowed from the namespace of whoever started the run, and go back to it; the port's
 * flows go to its queues as before then.
 */
export class NicWire implements XdpWire {
  readonly device: string;
  readonly ifindex: number;
  readonly queue: number;
  readonly synchronous = false;
  readonly note: string;
  readonly #xdp: XdpAttachment;
  readonly #fd: number;
  /** What gives back all that is held, the last one first. */
  readonly #undo: Array<() => void> = [];

  /** @throws Unavailable where a port is not there or not wired, or takes no program. */
  constructor({ interface: device, peer, queue }: ZeroCopyLink) {
    if (device === "" || peer === "") {
      const what = "a NIC port needs a port that is wired to it";
      throw new Unavailable("interface", what, "name both: --interface and --peer");
    }
    this.device = device;
    this.queue = queue;
    this.note = `injection: a packet socket on ${peer} sends each Ethernet frame to ${device}`;
    const borrowed = new BorrowedInterfaces([device, peer], process.ppid);
    this.#undo.push(() => borrowed.giveBack());
    try {
      this.ifindex = interfaceIndex(device);
      setUp(device, IFF_PROMISC);
      setUp(peer);
      this.#xdp = new XdpAttachment(this.ifindex, queue + 1, 0);
      this.#undo.push(() => this.#xdp.close());
      const port = new LentPort(device);
      this.#undo.push(() => port.restore());
      steer(port, queue);
      this.#fd = openPacketSocket();
      this.#undo.push(() => libc().close(this.#fd));
      bindPacketSocket(this.#fd, peer);
      awaitCarrier([device, peer]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get map(): number {
    return this.#xdp.map;
  }

  /** A wire of Ethernet takes nothing else, and no frame above the peer's MTU. */
  send(address: number, len: number, linkType: number): boolean {
    return linkType === LINKTYPE_ETHERNET && libc().write(this.#fd, address, len) === len;
  }

  close(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}

/** A port with one queue has nothing to steer. */
function steer(port: LentPort, queue: number): void {
  try {
    port.steer("all", queue, queue);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (queue === 0) return;
    const what = `flows cannot be steered to queue ${queue} of ${port.name} (${error.message})`;
    throw new Unavailable("interface", what, "take --queue 0 where there is one RX queue");
  }
}

function awaitCarrier(names: readonly string[]): void {
  const untilNs = kernelNowNs() + CARRIER_NS;
  while (!names.every(isRunning)) {
    if (kernelNowNs() > untilNs) {
      const what = `${names.join(" and ")} have no link`;
      throw new Unavailable("interface", what, "wire the two ports, see ip link");
    }
    sleepNs(STEP_NS);
  }
}
