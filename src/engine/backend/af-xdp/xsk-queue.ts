import { describeSkb, HeadFacts } from "../../driver/own-head.js";
import { KIND_ETHERNET } from "../../driver/receive-queue.js";
import { NM_DRIVER, NM_WORDS } from "../../netmem/netmem-table.js";
import {
  FR_STAMP_NS,
  FR_TIMES,
  SK_FLAGS,
  SK_FRAG_TAIL,
  SK_HEAD,
  SK_HEAD_TRUESIZE,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_LINEAR,
} from "../../skb/skb-slab.js";
import { FRAME_FRAGMENT, FRAME_TCP, Frame } from "../../wire/frame.js";
import { LINKTYPE_ETHERNET } from "../../wire/link.js";
import { PacketBatch } from "../../wire/packet-batch.js";
import { kernelNowNs } from "../clock.js";
import { XDP_PKT_CONTD } from "../sys/xdp.js";
import { flowHash } from "./flow-hash.js";
import { wrongChecksums } from "./xsk-checksums.js";
import type { XskQueueParts } from "./xsk-queue-parts.js";

/** Words of a struct xdp_desc: [addr low][addr high][len][options]. */
const DESC_WORDS = 4;
/** Before the first batch. */
const NO_PACKETS = new PacketBatch(1);
/** Pieces that one skb takes at most; a longer superpacket becomes several. */
const MAX_PIECES = 15;

/**
 * The clock is read for every eighth frame: a reading costs a tenth of a frame, and an arrival is
 * early by no more than the frames in between.
 */
const STAMP_SHIFT = 3;

/**
 * The driver of an AF_XDP socket: its rings are the NIC's, the UMEM's chunks its page pool's
 * netmems, and nothing is copied.
 *
 *      pool --alloc--> fill ring ~ kernel ~> RX ring -> skb -> GRO -> IP, TCP -> reader -> pool
 *
 *      chunk  [ 256 bytes | headers | payload ......... ]
 *              XDP_PACKET_HEADROOM   ^ the skb's frag; its head is the chunk too
 *
 * A frame longer than a chunk comes in several descriptors (XDP_PKT_CONTD); payload then goes on at
 * the start of each. What a descriptor does not say, the capture does: arrival, length on the wire,
 * link type are its packet's: frames come in the order in which they were sent.
 */
export class XskQueue {
  /** Frames and chunks taken off the RX ring, and their bytes. */
  frames = 0;
  chunks = 0;
  bytes = 0;
  /** Frames that were sent and did not come. */
  lost = 0;
  /** Frames for which no skb was left. */
  unallocated = 0;
  readonly #p: XskQueueParts;
  readonly #frame = new Frame();
  readonly #facts = new HeadFacts();
  readonly #chunkBytes: number;
  readonly #chunkShift: number;
  /** By number of the frame, from 0: its packet in the batch in hand. */
  readonly #packet: Int32Array;
  #batch = NO_PACKETS;
  /** When the packets of the batch were sent, one place for every eighth. */
  #sentNs = new Float64Array(0);
  /** Position of the next descriptor to take, and of the next free place of the fill ring. */
  #head = 0;
  #posted = 0;
  /** Position behind what was sent so far, and how many frames that was. */
  #sent = 0;
  #sentFrames = 0;
  /** Place in `#sentNs` of the frame in hand. */
  #stamp = 0;

  constructor(parts: XskQueueParts) {
    this.#p = parts;
    this.#chunkBytes = parts.table.bytesOf(0);
    this.#chunkShift = Math.log2(this.#chunkBytes);
    this.#packet = new Int32Array(parts.rx.mask + 1);
    this.#facts.headTruesize = this.#chunkBytes;
  }

  /** Descriptors that wait for a poll. */
  get pending(): number {
    return (this.#sent - this.#head) | 0;
  }

  /** The packets of this batch are sent next; it is looked at until the last of them was polled. */
  take(batch: PacketBatch): void {
    const stamps = ((batch.capacity - 1) >> STAMP_SHIFT) + 1;
    if (this.#sentNs.length < stamps) this.#sentNs = new Float64Array(stamps);
    this.#batch = batch;
  }

  /** Packet `i` of the batch is about to be sent. */
  expect(i: number): void {
    const stamp = i >> STAMP_SHIFT;
    if (stamp << STAMP_SHIFT === i) this.#sentNs[stamp] = kernelNowNs();
    this.#packet[this.#sentFrames & this.#p.rx.mask] = i;
  }

  /** It was sent. */
  sent(): void {
    const { rx, synchronous } = this.#p;
    if (synchronous) {
      // The write has returned on this thread, so that no order with the kernel is needed.
      const producer = rx.words[rx.producerAt]!;
      if (producer === this.#sent) {
        this.lost++;
        return;
      }
      this.#sent = producer;
    } else this.#sent = (this.#sent + 1) | 0;
    this.#sentFrames++;
  }

  /** Frames that were sent and have not come. */
  get missing(): number {
    return this.#sentFrames - this.frames;
  }

  /** What has not come until now is lost; what comes all the same is taken off again. */
  settle(): void {
    this.lost += this.missing;
    this.#sentFrames = this.frames;
    this.#sent = this.#head;
  }

  /** Posts a chunk in every free place of the fill ring, as far as the pool has any. */
  refill(): void {
    const { fill, pool } = this.#p;
    const end = (fill.consumer + fill.mask + 1) | 0;
    let at = this.#posted;
    while (((end - at) | 0) > 0) {
      const n = pool.alloc();
      if (n < 0) break;
      const word = fill.entriesAt + (at & fill.mask) * 2;
      fill.words[word] = n << this.#chunkShift;
      fill.words[word + 1] = n >>> (32 - this.#chunkShift);
      at = (at + 1) | 0;
    }
    if (at === this.#posted) return;
    this.#posted = at;
    fill.producer = at;
  }

  /** One NAPI poll: everything on the RX ring goes up the stack; answers how many frames. */
  poll(): number {
    const { rx, gro, cpu, clock } = this.#p;
    const tail = rx.producer;
    const first = this.frames;
    clock.nowNs = kernelNowNs();
    cpu.napiQueue = 0;
    let at = this.#head;
    while (at !== tail) at = this.#one(at);
    this.#head = at;
    rx.consumer = at;
    if (this.frames !== first) {
      clock.nowNs = kernelNowNs();
      gro.flushAll(false);
    }
    this.refill();
    cpu.napiQueue = -1;
    cpu.spentNs = 0;
    return this.frames - first;
  }

  /** The socket is closed: every chunk that was posted is ours again. */
  flush(): void {
    const { table, pool } = this.#p;
    for (let n = 0; n < table.areaNetmems; n++) {
      if (table.words[n * NM_WORDS + NM_DRIVER]! > 0) pool.putNetmem(n);
    }
  }

  /** One frame from position `at` on; answers the position behind it. */
  #one(at: number): number {
    const { rx, arena, umemAt, synchronous } = this.#p;
    const { words, mask } = rx;
    const frame = this.#frame;
    const first = rx.entriesAt + (at & mask) * DESC_WORDS;
    const low = words[first]!;
    let bytes = words[first + 2]!;
    this.#check(low, words[first + 1]!, bytes);
    let end = (at + 1) | 0;
    let more = words[first + 3]! & XDP_PKT_CONTD;
    while (more !== 0) {
      const word = rx.entriesAt + (end & mask) * DESC_WORDS;
      bytes += words[word + 2]!;
      more = words[word + 3]! & XDP_PKT_CONTD;
      this.#check(words[word]!, words[word + 1]!, words[word + 2]!);
      end = (end + 1) | 0;
    }
    const packet = this.#packet[this.frames++ & mask]!;
    this.#stamp = packet >> STAMP_SHIFT;
    this.chunks += (end - at) | 0;
    this.bytes += bytes;
    const addr = umemAt + (low >>> 0);
    const link = synchronous ? this.#batch.linkType[packet]! : LINKTYPE_ETHERNET;
    const wireBytes = synchronous ? this.#batch.wireBytes[packet]! : bytes;
    frame.parse(arena.view, addr, bytes, wireBytes, link);
    if (frame.kind === FRAME_TCP) this.#tcp(at, end, addr, link);
    else this.#other(at, end, addr, bytes);
    return end;
  }

  #tcp(at: number, end: number, addr: number, link: number): void {
    const frame = this.#frame;
    const facts = this.#facts;
    const ether = link === LINKTYPE_ETHERNET ? KIND_ETHERNET : 0;
    const tags = (((frame.tags << 3) & ~KIND_ETHERNET) | ether | 0) >> 3;
    facts.hash = flowHash(frame);
    facts.checksumFlags = 0;
    if (this.#p.verifyChecksums) {
      facts.checksumFlags = wrongChecksums(this.#p, frame, at, end, addr);
    }
    if (((at + 1) | 0) === end) this.#whole(at, tags);
    else this.#pieces(at, end, addr, tags);
  }

  /**
   * A segment in one chunk: an skb whose head is struct sk_buff's own, and whose frag is the chunk,
   * with its one reference; where there is no payload the chunk is the head.
   */
  #whole(at: number, tags: number): void {
    const frame = this.#frame;
    const facts = this.#facts;
    const { gro, slab, ledger, clock, stages, pool } = this.#p;
    const n = this.#chunkOf(at);
    const skb = slab.allocSkb();
    if (skb < 0) {
      this.unallocated++;
      pool.recycleDirect(n);
      return;
    }
    const word = skb * SK_WORDS;
    const len = frame.payloadLen;
    facts.from = 0;
    facts.len = len;
    describeSkb(slab, skb, frame, facts);
    ledger.driverToSkb(n);
    const { skbs, fragTimes } = slab;
    if (len > 0) {
      const arrivalNs = this.#sentNs[this.#stamp]!;
      slab.arrivalNs = arrivalNs;
      slab.addFrag(skb, n, frame.payload, len);
      const frag = skbs[word + SK_FRAG_TAIL]!;
      fragTimes[frag * FR_TIMES + FR_STAMP_NS] = clock.nowNs;
      stages.driver.record(clock.nowNs - arrivalNs, 1);
      skbs[word + SK_FLAGS]! |= SKF_LINEAR;
      skbs[word + SK_HEAD_TRUESIZE] = SKB_OVERHEAD_BYTES;
    } else skbs[word + SK_HEAD] = n;
    gro.receive(skb, tags);
  }

  /** A segment in several chunks: the first one is the head and, with a reference more, a frag. */
  #pieces(at: number, end: number, addr: number, tags: number): void {
    const frame = this.#frame;
    const facts = this.#facts;
    const { gro, slab, ledger, rx } = this.#p;
    const head = this.#chunkOf(at);
    let from = 0;
    let next = at;
    let skip = frame.payload - addr;
    let refs = 1;
    do {
      const skb = slab.allocSkb();
      if (skb < 0) {
        this.unallocated++;
        if (from > 0 && ledger.skbPut(head)) this.#p.pool.putUnrefed(head);
        break;
      }
      facts.from = from;
      facts.len = 0;
      if (from === 0) {
        const here = rx.words[rx.entriesAt + (at & rx.mask) * DESC_WORDS + 2]!;
        refs = frame.payloadLen > 0 && here > skip ? 2 : 1;
        ledger.post(head, refs);
        ledger.driverToSkb(head);
      }
      slab.skbs[skb * SK_WORDS + SK_HEAD] = head;
      for (let pieces = 0; pieces < MAX_PIECES && next !== end; pieces++) {
        const left = frame.payloadLen - from - facts.len;
        if (left <= 0 && next !== at) break;
        facts.len += this.#addPiece(skb, next, skip, left);
        next = (next + 1) | 0;
        skip = 0;
      }
      describeSkb(slab, skb, frame, facts);
      if (refs === 2) slab.skbs[skb * SK_WORDS + SK_FLAGS]! |= SKF_LINEAR;
      from += facts.len;
      refs = 0;
      const last = from >= frame.payloadLen || next === end;
      // The next part's head is the same chunk, and this part may be gone before it is made.
      if (!last) ledger.skbGet(head);
      gro.receive(skb, tags);
      if (last) break;
    } while (next !== end);
    this.#recycle(next, end);
  }

  /** What is no whole TCP segment: a fragment's data, or all of it, for the network layer. */
  #other(at: number, end: number, addr: number, bytes: number): void {
    const frame = this.#frame;
    const facts = this.#facts;
    const { slab, ledger, up, rx } = this.#p;
    const fragment = frame.kind === FRAME_FRAGMENT;
    frame.seq = frame.fragOffset;
    frame.ack = frame.fragId;
    frame.window = (frame.moreFragments ? 1 : 0) | (frame.proto << 8);
    frame.ports = 0;
    frame.hasTimestamps = false;
    frame.flags = 0;
    if (!fragment) {
      frame.payload = addr;
      frame.payloadLen = bytes;
    }
    facts.hash = 0;
    facts.from = 0;
    facts.len = 0;
    facts.checksumFlags = 0;
    const skb = slab.allocSkb();
    if (skb < 0) {
      this.unallocated++;
      this.#recycle(at, end);
      return;
    }
    const head = this.#chunkOf(at);
    let skip = frame.payload - addr;
    const here = rx.words[rx.entriesAt + (at & rx.mask) * DESC_WORDS + 2]!;
    const linear = frame.payloadLen > 0 && here > skip;
    ledger.post(head, linear ? 2 : 1);
    ledger.driverToSkb(head);
    slab.skbs[skb * SK_WORDS + SK_HEAD] = head;
    let next = at;
    while (next !== end && (next === at || facts.len < frame.payloadLen)) {
      facts.len += this.#addPiece(skb, next, skip, frame.payloadLen - facts.len);
      next = (next + 1) | 0;
      skip = 0;
    }
    describeSkb(slab, skb, frame, facts);
    if (linear) slab.skbs[skb * SK_WORDS + SK_FLAGS]! |= SKF_LINEAR;
    up.receiveOther(skb, frame.kind);
    this.#recycle(next, end);
  }

  /** Adds what a descriptor has of the payload as a frag; answers its bytes. */
  #addPiece(skb: number, at: number, skip: number, left: number): number {
    const { rx, slab, ledger, clock, stages, umemAt } = this.#p;
    const word = rx.entriesAt + (at & rx.mask) * DESC_WORDS;
    const here = rx.words[word + 2]! - skip;
    const len = here < left ? here : left;
    if (len <= 0) return 0;
    const n = this.#chunkOf(at);
    const arrivalNs = this.#sentNs[this.#stamp]!;
    slab.arrivalNs = arrivalNs;
    slab.addFrag(skb, n, umemAt + (rx.words[word]! >>> 0) + skip, len);
    ledger.driverToSkb(n);
    const frag = slab.skbs[skb * SK_WORDS + SK_FRAG_TAIL]!;
    slab.fragTimes[frag * FR_TIMES + FR_STAMP_NS] = clock.nowNs;
    stages.driver.record(clock.nowNs - arrivalNs, 1);
    return len;
  }

  /** Chunks of a frame that no skb needs go back to the pool at once. */
  #recycle(from: number, end: number): void {
    for (let at = from; at !== end; at = (at + 1) | 0) {
      this.#p.pool.recycleDirect(this.#chunkOf(at));
    }
  }

  #chunkOf(at: number): number {
    const { rx } = this.#p;
    return rx.words[rx.entriesAt + (at & rx.mask) * DESC_WORDS]! >>> this.#chunkShift;
  }

  /** What the kernel names must be a chunk that it has, and lie in it. */
  #check(low: number, high: number, len: number): void {
    const { table, ledger } = this.#p;
    const n = low >>> this.#chunkShift;
    const inside = (low & (this.#chunkBytes - 1)) + len <= this.#chunkBytes;
    if (high !== 0 || n >= table.areaNetmems || len < 0 || !inside) {
      throw new Error(`AF_XDP names ${len} bytes at ${low >>> 0} of the UMEM`);
    }
    if (table.words[n * NM_WORDS + NM_DRIVER] !== 1) {
      ledger.fail(n, 5, "AF_XDP hands over a chunk that it does not have");
    }
  }
}
