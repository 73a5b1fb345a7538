import type { Arena } from "../memory/arena.js";
import { FRAME_FRAGMENT, FRAME_OTHER_IP, FRAME_TCP, Frame } from "../wire/frame.js";
import { rssTables } from "../wire/toeplitz.js";
import { MAX_CHUNK_BYTES } from "./placement.js";
import type { Placer } from "./placer.js";
import type { DriverProfile } from "./profile.js";
import { KIND_ETHERNET, KIND_OVERFLOW, type ReceiveQueue } from "./receive-queue.js";
import type { Steering } from "./steering.js";

const LINKTYPE_ETHERNET = 1;
/** Entries of the RSS indirection table. */
const RSS_TABLE = 128;

/** Header/data split: always, never, or every Nth TCP packet unsplit. */
export interface SplitPlan {
  readonly mode: "on" | "off" | "fail";
  readonly failEvery: number;
}

/** A NIC's queues: those with the provider, and the page queues that take the rest. */
export interface NicQueues {
  readonly provider: readonly ReceiveQueue[];
  /** The page queues; built when the first packet needs them. Same as `provider` for pages. */
  rest(): readonly ReceiveQueue[];
}

/**
 * The device: parses a frame, picks a queue, splits and places it.
 *
 *      frame -> parse -> TCP and steered?  -- yes -> provider queue [hash & 127] -> split -> place
 *                                          -- no --> page queue     [hash & 127] -> place
 */
export class Nic {
  readonly frame = new Frame();
  /** Frames whose IPv4 header checksum was wrong. */
  badIpChecksums = 0;
  /** Frames with payload that the capture cut, and TCP segments left unsplit. */
  cutFrames = 0;
  unsplit = 0;
  /** Arrived frames that no queue had room for. */
  overruns = 0;
  readonly #arena: Arena;
  readonly #profile: DriverProfile;
  readonly #placement: Placer;
  #split: SplitPlan;
  readonly #steering: Steering;
  readonly #queues: NicQueues;
  readonly #toeplitz = rssTables();
  /** Hash input of an IPv6 packet. */
  readonly #mixed = new DataView(new ArrayBuffer(32));
  #splitCountdown: number;

  constructor(deps: {
    arena: Arena;
    profile: DriverProfile;
    placement: Placer;
    split: SplitPlan;
    steering: Steering;
    queues: NicQueues;
  }) {
    this.#arena = deps.arena;
    this.#profile = deps.profile;
    this.#placement = deps.placement;
    this.#split = deps.split;
    this.#steering = deps.steering;
    this.#queues = deps.queues;
    this.#splitCountdown = deps.split.failEvery;
  }

  /** ethtool -G tcp-data-split: the parser's setting, from the next frame on. */
  get split(): SplitPlan {
    return this.#split;
  }

  set split(plan: SplitPlan) {
    this.#split = plan;
    this.#splitCountdown = plan.failEvery;
  }

  /** The next pass: its packets are counted from the start, so that the same ones stay unsplit. */
  restart(): void {
    this.#splitCountdown = this.#split.failEvery;
  }

  /**
   * A frame of `captured` bytes at arena address `addr` arrives at `placement.arrivalNs`; answers
   * the queue it went to.
   */
  receive(addr: number, captured: number, wire: number, linkType: number): ReceiveQueue {
    const frame = this.frame;
    const view = this.#arena.view;
    frame.parse(view, addr, captured, wire, linkType);
    const placement = this.#placement;
    if (frame.kind !== FRAME_TCP) {
      if (captured < wire) this.cutFrames++;
      return this.#receiveOther(addr, captured);
    }
    const hash = this.#hash(view);
    placement.hash = hash;
    if (frame.cutBytes > 0) this.cutFrames++;
    placement.ipChecksumBad = frame.version === 4 && this.#ipChecksumBad();
    if (placement.ipChecksumBad) this.badIpChecksums++;
    const steered = this.#steering.all || this.#steering.matches(view, frame);
    const queues = steered ? this.#queues.provider : this.#queues.rest();
    const queue = queues[(hash & (RSS_TABLE - 1)) % queues.length]!;
    const ether = linkType === LINKTYPE_ETHERNET ? KIND_ETHERNET : 0;
    const tags = FRAME_TCP | ((frame.tags << 3) & ~KIND_ETHERNET) | ether;
    const ok = this.#splits()
      ? this.#receiveSplit(queue, addr, captured, tags)
      : this.#complete(queue, this.#placement.whole(queue, frame, addr, captured), tags, captured);
    if (!ok) this.#overrun(queue);
    return queue;
  }

  /** Splits a segment; one longer than an skb's frags becomes several packets. */
  #receiveSplit(queue: ReceiveQueue, addr: number, captured: number, tags: number): boolean {
    const frame = this.frame;
    const placement = this.#placement;
    if (frame.payloadLen <= MAX_CHUNK_BYTES) {
      const skb = placement.split(queue, frame, addr, 0, frame.payloadLen);
      if (skb < 0) return false;
      queue.complete(skb, tags, captured, placement);
      return true;
    }
    for (let from = 0; from < frame.payloadLen; from += MAX_CHUNK_BYTES) {
      const len = Math.min(MAX_CHUNK_BYTES, frame.payloadLen - from);
      const skb = placement.split(queue, frame, addr, from, len);
      if (skb < 0) return false;
      queue.complete(skb, tags, frame.headerLen + len, placement);
    }
    return true;
  }

  /** What is not a whole TCP segment goes to the page queues, unsplit, by its two addresses. */
  #receiveOther(addr: number, captured: number): ReceiveQueue {
    const frame = this.frame;
    const view = this.#arena.view;
    let hash = 0;
    this.#placement.ipChecksumBad = false;
    if (frame.kind === FRAME_FRAGMENT || frame.kind === FRAME_OTHER_IP) {
      const v4 = frame.version === 4;
      hash = this.#toeplitz.bytes(view, frame.l3 + (v4 ? 12 : 8), v4 ? 8 : 32, 0);
      this.#placement.ipChecksumBad = v4 && this.#ipChecksumBad();
      if (this.#placement.ipChecksumBad) this.badIpChecksums++;
    }
    this.#placement.hash = hash;
    const queues = this.#queues.rest();
    const queue = queues[(hash & (RSS_TABLE - 1)) % queues.length]!;
    // Fragments carry what the joining needs in words that a bare fragment has no other use for.
    frame.seq = frame.fragOffset;
    frame.ack = frame.fragId;
    frame.window = (frame.moreFragments ? 1 : 0) | (frame.proto << 8);
    frame.ports = 0;
    frame.hasTimestamps = false;
    frame.flags = 0;
    const skb = this.#placement.whole(queue, frame, addr, captured);
    if (!this.#complete(queue, skb, frame.kind | (frame.tags << 3), captured)) {
      this.#overrun(queue);
    }
    return queue;
  }

  #complete(queue: ReceiveQueue, skb: number, kindAndTags: number, captured: number): boolean {
    if (skb < 0) return false;
    const placement = this.#placement;
    const kind = placement.fragOverflow ? kindAndTags | KIND_OVERFLOW : kindAndTags;
    placement.fragOverflow = false;
    queue.complete(skb, kind, captured, placement);
    return true;
  }

  #overrun(queue: ReceiveQueue): void {
    this.overruns++;
    queue.overrun(this.#placement);
    this.#placement.skbShort = false;
  }

  /** Whether this TCP segment is split; `fail=N` leaves every Nth whole. */
  #splits(): boolean {
    const frame = this.frame;
    if (this.#split.mode === "on") {
      if (frame.headerLen <= this.#profile.maxHeaderBytes) return true;
    } else if (this.#split.mode === "fail") {
      if (--this.#splitCountdown > 0 && frame.headerLen <= this.#profile.maxHeaderBytes)
        return true;
      this.#splitCountdown = this.#split.failEvery;
    }
    this.unsplit++;
    return false;
  }

  /**
   * The RSS hash with its input transformed as `ethtool -X ... xfrm symmetric-xor` does: both
   * directions of a connection share a queue, and so are seen in the order of the capture.
   */
  #hash(view: DataView): number {
    const frame = this.frame;
    const { ports } = frame;
    const swapped = ports ^ ((ports << 16) | (ports >>> 16));
    if (frame.version === 4) return this.#toeplitz.symmetric(frame.saddr ^ frame.daddr, swapped);
    const addrs = this.#mixed;
    for (let i = 0; i < 16; i += 4) {
      const at = frame.l3 + 8 + i;
      const both = view.getInt32(at) ^ view.getInt32(at + 16);
      addrs.setInt32(i, both);
      addrs.setInt32(i + 16, both);
    }
    return this.#toeplitz.bytes(addrs, 0, 32, swapped);
  }

  /** RFC 1071 over the IPv4 header; the parser has added up all of one without options. */
  #ipChecksumBad(): boolean {
    const { l3, l4, ipSum } = this.frame;
    if (l4 - l3 === 20) return (ipSum & 0xffff) + (ipSum >>> 16) !== 0xffff;
    return this.#arena.kernels.sum(l3, l4 - l3, 0) !== 0xffff;
  }
}
