import { HOLD_WORDS, HoldRing } from "../../app/hold-ring.js";
import { payloadOffset } from "../../app/payload-offset.js";
import { SocketRing } from "../../app/socket-ring.js";
import type { VirtualClock } from "../../clock/virtual-clock.js";
import type { Ledger } from "../../ledger/ledger.js";
import { U1, U2 } from "../../netmem/state.js";
import type { StageProbe } from "../../probe/stages.js";
import type { PoolReturn } from "../../provider/pool-face.js";
import {
  FR_ADDR,
  FR_ARRIVAL_NS,
  FR_LEN,
  FR_NETMEM,
  FR_NEXT,
  FR_STAMP_NS,
  FR_TIMES,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_LEN,
  SK_SEQ,
  SK_WORDS,
  type SkbSlab,
} from "../../skb/skb-slab.js";
import type { SocketEvents, SocketFace } from "../../tcp/socket-face.js";
import type { StreamSink } from "../backend.js";
import { kernelNowNs } from "../clock.js";

/** How the reader behaves. */
export interface ReaderPlan {
  readonly readSizeBytes: number;
  readonly readDelayNs: number;
  readonly holdNs: number;
  readonly batch: number;
}

/** What the reader works with. */
export interface ReaderDeps {
  readonly slab: SkbSlab;
  readonly ledger: Ledger;
  readonly pools: PoolReturn;
  readonly clock: VirtualClock;
  readonly stages: StageProbe;
  readonly bytes: Uint8Array;
  readonly sink: StreamSink | null;
}

/**
 * The application on a UMEM: it reads payload where the kernel has put it, and gives the chunk back
 * when it has held it long enough.
 *
 *      skb  [ frag ][ frag ]          one reference of the reader's own a frag (U1)
 *              |       |
 *      UMEM  [chunk][chunk]  -- hold --> put (U2) -> page pool -> fill ring
 *
 * Times are the kernel clock's.
 */
export class InPlaceReader implements SocketEvents {
  tcp: SocketFace | null = null;
  deliveredBytes = 0;
  /** Receive calls. */
  calls = 0;
  readonly #plan: ReaderPlan;
  readonly #deps: ReaderDeps;
  readonly #ready = new SocketRing();
  readonly #held: HoldRing;
  #wakeNs = Number.POSITIVE_INFINITY;

  constructor(plan: ReaderPlan, deps: ReaderDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#held = new HoldRing(plan.batch, plan.holdNs);
  }

  /** Frames held. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** Time of the next thing to do, Infinity for none. */
  get nextNs(): number {
    return Math.min(this.#wakeNs, this.#held.dueNs);
  }

  dataReady(sock: number): void {
    if (this.#ready.count === 0) this.#wakeNs = this.#deps.clock.nowNs + this.#plan.readDelayNs;
    this.#ready.push(sock);
  }

  releaseUserFrags(): void {}

  /** Reads what is readable, and gives back what is due. */
  run(): void {
    const { clock } = this.#deps;
    if (this.#ready.count > 0) {
      clock.nowNs = kernelNowNs();
      if (clock.nowNs >= this.#wakeNs) {
        for (let sock = this.#ready.shift(); sock >= 0; sock = this.#ready.shift()) {
          while (this.#receive(sock));
        }
        this.#wakeNs = Number.POSITIVE_INFINITY;
        this.#held.settle();
      }
    }
    const held = this.#held;
    const { batch, holdNs } = this.#plan;
    if (held.count < batch) return;
    clock.nowNs = kernelNowNs();
    // Without a hold time every whole batch is due.
    if (holdNs === 0) this.#giveBack(held.count - (held.count % batch));
    else while (held.dueNs <= clock.nowNs) this.#giveBack(batch);
  }

  /** Gives back all that is held, whatever its hold time. */
  giveBackAll(): void {
    this.#deps.clock.nowNs = kernelNowNs();
    while (this.#held.count > 0) this.#giveBack(Math.min(this.#held.count, this.#plan.batch));
  }

  /** One receive call; true if the socket has more to read. */
  #receive(sock: number): boolean {
    const { skbs } = this.#deps.slab;
    const tcp = this.tcp!;
    const endSeq = tcp.readableSeq(sock);
    let seq = tcp.copiedSeq(sock);
    let left = this.#plan.readSizeBytes;
    let head = tcp.head(sock);
    this.calls++;
    while (head >= 0 && left > 0) {
      const at = head * SK_WORDS;
      const bytes = skbs[at + SK_LEN]!;
      const offset = payloadOffset(seq, skbs[at + SK_SEQ]!, skbs[at + SK_FLAGS]!);
      const used = Math.min(bytes - offset, left, (endSeq - seq) | 0);
      if (used > 0) {
        this.#read(sock, head, offset, used);
        tcp.advance(sock, used);
        seq = (seq + used) | 0;
        left -= used;
      }
      if (offset + Math.max(used, 0) < bytes) break;
      tcp.eat(sock);
      head = tcp.head(sock);
    }
    const read = this.#plan.readSizeBytes - left;
    if (read > 0) tcp.readDone(sock, read);
    return head >= 0 && read > 0;
  }

  /** Reads `wanted` payload bytes of an skb from `offset` on, frag by frag, where they lie. */
  #read(sock: number, skb: number, offset: number, wanted: number): void {
    const { slab, ledger, clock, bytes, sink, stages } = this.#deps;
    const { frags, fragTimes } = slab;
    const held = this.#held;
    const nowNs = clock.nowNs;
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    let skip = offset;
    let left = wanted;
    while (left > 0) {
      const f = frag * FR_WORDS;
      const len = frags[f + FR_LEN]!;
      if (skip >= len) skip -= len;
      else {
        const netmem = frags[f + FR_NETMEM]!;
        const piece = len - skip < left ? len - skip : left;
        ledger.userGet(netmem, U1);
        const slot = held.push(netmem, piece);
        held.readNs[slot] = nowNs;
        if (sink !== null) {
          const from = (frags[f + FR_ADDR]! >>> 0) + skip;
          sink.deliver(sock, bytes.subarray(from, from + piece));
        }
        left -= piece;
        if (skip + piece === len) {
          const at = frag * FR_TIMES;
          stages.app.record(nowNs - fragTimes[at + FR_STAMP_NS]!, 1);
          stages.deliver.record(nowNs - fragTimes[at + FR_ARRIVAL_NS]!, 1);
        }
        skip = 0;
      }
      frag = frags[f + FR_NEXT]!;
    }
    this.deliveredBytes += wanted;
  }

  #giveBack(count: number): void {
    const { ledger, pools, clock, stages } = this.#deps;
    const held = this.#held;
    for (let k = 0; k < count; k++) {
      const slot = held.shift();
      const netmem = held.words[slot * HOLD_WORDS]!;
      stages.hold.recordSince(held.readNs, slot, clock);
      if (ledger.userPut(netmem, 1, U2)) pools.putBy(netmem, U2);
    }
    held.settle();
  }
}
