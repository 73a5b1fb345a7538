import { TASK_DEVICE } from "../netmem/netmem-return.js";
import { dropIndex } from "../probe/drop-reasons.js";
import { SK_FLAGS, SK_GSO_SEGS, SK_HEAD, SK_WORDS, SKF_LINEAR } from "../skb/skb-slab.js";
import type { Frame } from "../wire/frame.js";
import { Aggregations } from "./aggregations.js";
import type { SlotPlacement } from "./slot-placement.js";
import {
  B_BYTES,
  B_CSUM_ERRORS,
  B_DISCARDS,
  B_GRO_PACKETS,
  B_GRO_WIRE_PACKETS,
  B_OOM_DISCARDS,
  B_PACKETS,
} from "./slot-profiles.js";
import {
  type Completion,
  CQF_BAD_CSUM,
  DROPPED,
  type SlotMem,
  SlotQueue,
  type SlotQueueParts,
  UP,
} from "./slot-queue.js";

const RX_ALLOC_FAIL = dropIndex("RX_ALLOC_FAIL");

/**
 * bnxt's receive queue (bnxt_rx_pkt, bnxt_rx_agg_netmems): each buffer is replaced before its
 * packet goes up. Without a replacement the packet is dropped, counted as rx_oom_discards and as
 * packet work, and its buffers are posted again: the rings never shrink.
 */
export class BnxtQueue extends SlotQueue {
  readonly #tpa: Aggregations;

  constructor(parts: SlotQueueParts) {
    super(parts);
    this.#tpa = new Aggregations(
      parts.slab,
      parts.arena,
      (skb, kind, bytes, slots, head, offset) => {
        this.#complete(skb, kind, bytes, slots, head, offset);
      },
    );
  }

  /** The memory comes with its buffers posted; a queue that is started again has to post them. */
  override start(mem: SlotMem): void {
    super.start(mem);
    const { cpu } = this.parts;
    const { task } = cpu;
    cpu.task = TASK_DEVICE;
    cpu.napiQueue = this.index;
    if (mem.heads?.posted === 0) mem.heads.fill();
    if (mem.payloads.posted === 0) mem.payloads.fill();
    cpu.napiQueue = -1;
    cpu.spentNs = 0;
    cpu.task = task;
  }

  override aggregate(frame: Frame, placement: SlotPlacement): number {
    return this.#tpa.join(this, frame, placement);
  }

  protected override holds(skb: number, kindAndTags: number, bytes: number): boolean {
    return this.#tpa.take(this, skb, kindAndTags, bytes);
  }

  protected override closeAggregations(): void {
    this.#tpa.closeAll();
  }

  protected accept(of: Completion, nowNs: number): number {
    const { counters, slab } = this.parts;
    const segs = slab.skbs[of.skb * SK_WORDS + SK_GSO_SEGS]!;
    // The NIC's counters see the wire: every segment, dropped later or not.
    counters.values[B_PACKETS]! += segs;
    counters.values[B_BYTES]! += of.bytes;
    if ((of.flags & CQF_BAD_CSUM) !== 0) counters.values[B_CSUM_ERRORS]!++;
    if (!this.#replaceHead(of) || !this.#replacePayload(of)) {
      counters.values[B_OOM_DISCARDS]!++;
      this.parts.drops.values[RX_ALLOC_FAIL]!++;
      return DROPPED;
    }
    if (segs > 1) {
      counters.values[B_GRO_PACKETS]!++;
      counters.values[B_GRO_WIRE_PACKETS]! += segs;
    }
    this.own(of.skb, nowNs);
    return UP;
  }

  /** Nothing to fill: every buffer that went up was replaced. */
  protected replenish(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected countOverrun(): void {
    this.parts.counters.values[B_DISCARDS]!++;
  }

  protected countNoSkb(): void {
    this.parts.counters.values[B_OOM_DISCARDS]!++;
  }

  protected countTooLong(): void {
    this.parts.counters.values[B_DISCARDS]!++;
  }

  /**
   * bnxt_rx_skb: a head that was copied (rx_copybreak) leaves its buffer to the ring, one that the
   * skb is built around is replaced. False, and all buffers back in the rings, when it cannot be.
   */
  #replaceHead(of: Completion): boolean {
    const { slab } = this.parts;
    const heads = this.heads!;
    const at = of.skb * SK_WORDS;
    heads.done++;
    if (slab.skbs[at + SK_HEAD]! < 0) {
      heads.post(of.head, of.headOffset);
      return true;
    }
    if (heads.allocate()) {
      heads.post(heads.netmem, heads.offset);
      return true;
    }
    heads.post(of.head, of.headOffset);
    this.payloads.done += of.slots;
    this.#dropHead(of);
    this.#reuse(of, 0);
    return false;
  }

  /** A netmem for each buffer of the packet; those that got none go back into the ring. */
  #replacePayload(of: Completion): boolean {
    const ring = this.payloads;
    ring.done += of.slots;
    for (let i = 0; i < of.slots; i++) {
      if (ring.allocate()) {
        ring.post(ring.netmem, 0);
        continue;
      }
      const head = this.parts.slab.skbs[of.skb * SK_WORDS + SK_HEAD]!;
      this.#dropHead(of);
      if (head >= 0) this.heads!.putBack(head);
      this.#reuse(of, i);
      return false;
    }
    return true;
  }

  /** Takes the head off the skb, and the payload in it, whose reference is the head's own. */
  #dropHead(of: Completion): void {
    const { slab } = this.parts;
    const at = of.skb * SK_WORDS;
    slab.skbs[at + SK_HEAD] = -1;
    if ((slab.skbs[at + SK_FLAGS]! & SKF_LINEAR) !== 0) slab.takeFirstFrag(of.skb);
  }

  /** bnxt_reuse_rx_agg_bufs: the first `given` buffers were replaced and go to their pool. */
  #reuse(of: Completion, given: number): void {
    const { slab } = this.parts;
    for (let i = 0; i < of.slots; i++) {
      const netmem = slab.takeFirstFrag(of.skb);
      if (i < given) this.payloads.putBack(netmem);
      else this.payloads.post(netmem, 0);
    }
    slab.free(of.skb);
  }

  /** Completes an aggregation; what belongs to the frame at hand, placed already, stays. */
  #complete(
    skb: number,
    kind: number,
    bytes: number,
    slots: number,
    head: number,
    headOffset: number,
  ): void {
    const ofFrame = this.slots;
    const headOfFrame = this.head;
    const offsetOfFrame = this.headOffset;
    this.slots = slots;
    this.head = head;
    this.headOffset = headOffset;
    this.push(skb, kind, bytes, 0);
    this.slots = ofFrame;
    this.head = headOfFrame;
    this.headOffset = offsetOfFrame;
  }
}
