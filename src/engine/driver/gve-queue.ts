import { dropIndex } from "../probe/drop-reasons.js";
import {
  FR_NETMEM,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_WORDS,
  SKF_UNREADABLE,
} from "../skb/skb-slab.js";
import { REFUSED_ROOM, type SlotPlacement } from "./slot-placement.js";
import {
  G_BUF_ALLOC_FAIL,
  G_BYTES,
  G_COMPLETED,
  G_COPIED,
  G_COPYBREAK,
  G_CRITICAL_LOW,
  G_DEVMEM_DROPPED,
  G_DROPPED,
  G_HSPLIT_BYTES,
  G_HSPLIT_PKT,
  G_NO_BUFFERS,
  G_PACKETS,
  G_POSTED,
  G_QUEUE_DROPS,
  G_SKB_ALLOC_FAIL,
  G_UNSPLIT,
  GVE,
  GVE_STARVATION_NS,
} from "./slot-profiles.js";
import { type Completion, CQF_UNSPLIT, SlotQueue, UNCOUNTED, UP } from "./slot-queue.js";

const RX_SPLIT_ERROR = dropIndex("RX_SPLIT_ERROR");

/**
 * gve's receive queue in DQO format (gve_rx_poll_dqo): every packet takes buffers of the one buffer
 * queue, which is filled at the end of the poll. A queue with fewer buffers than a doorbell's worth
 * starts a timer that polls again, for nothing else would.
 */
export class GveQueue extends SlotQueue {
  protected accept(of: Completion, nowNs: number): number {
    const { slab, drops, counters } = this.parts;
    const { values } = counters;
    this.payloads.done += of.slots;
    values[G_COMPLETED]! += of.slots;
    const at = of.skb * SK_WORDS;
    const unsplit = (of.flags & CQF_UNSPLIT) !== 0;
    const headerBytes = of.flags >> 4;
    if (unsplit && headerBytes > GVE.maxHeaderBytes && this.parts.tcpDataSplit) {
      // The header buffer overflowed: the descriptor says split, and the headers are not there.
      values[G_HSPLIT_PKT]!++;
      values[G_HSPLIT_BYTES]! += headerBytes;
      values[G_UNSPLIT]!++;
    }
    if (unsplit && this.#unreadable(of)) {
      values[G_DEVMEM_DROPPED]! += of.slots;
      drops.values[RX_SPLIT_ERROR]!++;
      while (slab.skbs[at + SK_FRAG_HEAD]! >= 0) this.payloads.putBack(slab.takeFirstFrag(of.skb));
      if (of.spare >= 0) this.payloads.putBack(of.spare);
      slab.free(of.skb);
      return UNCOUNTED;
    }
    if (of.spare >= 0) this.payloads.putBack(of.spare);
    if (!unsplit) {
      values[G_HSPLIT_PKT]!++;
      values[G_HSPLIT_BYTES]! += headerBytes;
    } else if (of.spare >= 0 && of.bytes <= GVE.copybreakBytes) {
      values[G_COPYBREAK]!++;
      values[G_COPIED]!++;
    }
    this.own(of.skb, nowNs);
    return UP;
  }

  protected replenish(work: number, bytes: number, startNs: number): number {
    const { counters, clock, napi } = this.parts;
    const { values } = counters;
    const ring = this.payloads;
    values[G_PACKETS]! += work;
    values[G_BYTES]! += bytes;
    const before = ring.posted;
    if (!ring.fill()) values[G_BUF_ALLOC_FAIL]!++;
    values[G_POSTED]! += ring.posted - before;
    if (!this.#starved) return Number.POSITIVE_INFINITY;
    values[G_CRITICAL_LOW]!++;
    // The timer goes on in the kernel; here it ends with the frames, and where the source waits.
    const moved = work > 0 || ring.posted > before;
    const goesOn = clock.horizonNs < Number.POSITIVE_INFINITY && (moved || napi.topspeed !== true);
    return goesOn ? startNs + GVE_STARVATION_NS : Number.POSITIVE_INFINITY;
  }

  override lookAfter(nowNs: number): void {
    if (this.#starved && this.dueNs === Number.POSITIVE_INFINITY) this.dueNs = nowNs;
  }

  /** A timer that ended with the frames before is started again by one that finds no buffer. */
  override overrun(arrival: SlotPlacement): void {
    const dry = arrival.refusal === REFUSED_ROOM && this.dueNs === Number.POSITIVE_INFINITY;
    super.overrun(arrival);
    if (dry) this.dueNs = arrival.arrivalNs + GVE_STARVATION_NS;
  }

  /** The NIC counts what finds no buffer posted. */
  protected countOverrun(): void {
    const { values } = this.parts.counters;
    values[G_NO_BUFFERS]!++;
    values[G_QUEUE_DROPS]!++;
  }

  protected countNoSkb(): void {
    this.parts.counters.values[G_SKB_ALLOC_FAIL]!++;
  }

  protected countTooLong(): void {
    this.parts.counters.values[G_DROPPED]!++;
  }

  /** Fewer buffers than a doorbell's worth, so that the NIC sees none. */
  get #starved(): boolean {
    const { posted, done, doorbell } = this.payloads;
    return (posted & -doorbell) - done < doorbell;
  }

  /** Whether headers lie in a net_iov, where no CPU reads them. */
  #unreadable(of: Completion): boolean {
    const { slab, isNetIov } = this.parts;
    const at = of.skb * SK_WORDS;
    if ((slab.skbs[at + SK_FLAGS]! & SKF_UNREADABLE) !== 0) return true;
    const frag = slab.skbs[at + SK_FRAG_HEAD]!;
    const first = frag >= 0 ? slab.frags[frag * FR_WORDS + FR_NETMEM]! : of.spare;
    return first >= 0 && isNetIov(first);
  }
}
