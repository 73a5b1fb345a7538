import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Arena } from "../memory/arena.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import type { StageProbe } from "../probe/stages.js";
import {
  FR_ADDR,
  FR_ARRIVAL_NS,
  FR_LEN,
  FR_NEXT,
  FR_STAMP_NS,
  FR_TIMES,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_QUEUE,
  SK_WORDS,
  SKF_DEFRAGGED,
  type SkbSlab,
} from "../skb/skb-slab.js";
import type { SocketFace } from "../tcp/socket-face.js";
import type { ApplicationPlan, DeliverySink } from "./application.js";
import { COPY_DEFRAGMENTED, COPY_LINEAR, COPY_UNSTEERED, Delivery } from "./delivery.js";
import { ReaderThreads } from "./reader-threads.js";

/** What every application works with. */
export interface ApplicationDeps {
  readonly tcp: SocketFace;
  readonly slab: SkbSlab;
  readonly arena: Arena;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly sink: DeliverySink | null;
  /** The application's buffer: arena offset and bytes. */
  readonly userStart: number;
  readonly userBytes: number;
  /** 1 for each receive queue whose pool has a memory provider. */
  readonly providerQueues: Uint8Array;
}

/** `FR_ARRIVAL_NS` of a frag that was read to its end and waits for its skb to be eaten. */
const READ = Number.NEGATIVE_INFINITY;

/**
 * Reads skbs by copy (skb_copy_datagram_msg): real bytes, frag by frag, from the netmems into the
 * application's buffer, which starts again at its beginning with each receive call.
 *
 *      skb   [ frag 0 ][ frag 1 ......... ][ frag 2 ]
 *                 ^ offset          ^ offset + len
 *
 * A frag is read when its last byte is; until its skb is eaten, its stamp is the time of that read,
 * from which `hold` is measured: for a copying reader, from read to put. A poll does its work when
 * it begins but takes time, so that a reader which is awake can meet bytes that become readable
 * only later: it waits for them.
 */
export class SkbCopier {
  readonly threads: ReaderThreads;
  readonly delivery: Delivery;
  readonly #slab: SkbSlab;
  readonly #arena: Arena;
  readonly #clock: VirtualClock;
  readonly #stages: StageProbe;
  readonly #fragNs: number;
  readonly #copyNsPerKib: number;
  readonly #userStart: number;
  readonly #userBytes: number;
  readonly #providerQueues: Uint8Array;
  #filled = 0;

  constructor(plan: ApplicationPlan, deps: ApplicationDeps) {
    this.threads = new ReaderThreads(plan, deps.clock, deps.costs, deps.cpu);
    this.delivery = new Delivery(deps.sink);
    this.#slab = deps.slab;
    this.#arena = deps.arena;
    this.#clock = deps.clock;
    this.#stages = deps.stages;
    this.#fragNs = deps.costs.fragNs;
    this.#copyNsPerKib = deps.costs.copyNsPerKib;
    this.#userStart = deps.userStart;
    this.#userBytes = deps.userBytes;
    this.#providerQueues = deps.providerQueues;
  }

  /** Why a readable skb is copied although the application reads by reference. */
  reasonOf(skb: number): number {
    const { skbs } = this.#slab;
    const at = skb * SK_WORDS;
    if ((skbs[at + SK_FLAGS]! & SKF_DEFRAGGED) !== 0) return COPY_DEFRAGMENTED;
    return this.#providerQueues[skbs[at + SK_QUEUE]!] === 1 ? COPY_LINEAR : COPY_UNSTEERED;
  }

  /** A receive call begins: the buffer is empty. */
  begin(): void {
    this.#filled = 0;
  }

  /** Copies `len` bytes of an skb from payload offset `offset`; the bytes are all there. */
  copySkb(sock: number, skb: number, offset: number, len: number, reason: number): void {
    const { frags, fragTimes, skbs } = this.#slab;
    const { threads } = this;
    const stages = this.#stages;
    const nowNs = this.#clock.nowNs;
    let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    let skip = offset;
    let left = len;
    while (left > 0) {
      const f = frag * FR_WORDS;
      const bytes = frags[f + FR_LEN]!;
      if (skip >= bytes) skip -= bytes;
      else {
        const piece = Math.min(bytes - skip, left);
        const at = frag * FR_TIMES;
        const stampNs = fragTimes[at + FR_STAMP_NS]!;
        if (stampNs > nowNs + threads.spentNs) threads.spentNs = stampNs - nowNs;
        const readNs = nowNs + threads.spentNs;
        this.copyBytes(sock, (frags[f + FR_ADDR]! >>> 0) + skip, piece, reason);
        threads.spentNs += this.#fragNs;
        left -= piece;
        if (skip + piece === bytes && stages.on) {
          stages.app.record(readNs - stampNs, 1);
          stages.deliver.record(readNs - fragTimes[at + FR_ARRIVAL_NS]!, 1);
          fragTimes[at + FR_ARRIVAL_NS] = READ;
          fragTimes[at + FR_STAMP_NS] = readNs;
        }
        skip = 0;
      }
      frag = frags[f + FR_NEXT]!;
    }
  }

  /** Copies bytes from arena address `from` to the application's buffer. */
  copyBytes(sock: number, from: number, len: number, reason: number): void {
    let done = 0;
    while (done < len) {
      if (this.#filled === this.#userBytes) this.#filled = 0;
      const piece = Math.min(len - done, this.#userBytes - this.#filled);
      const to = this.#userStart + this.#filled;
      this.#arena.kernels.copy(to, from + done, piece);
      this.delivery.copied(sock, to, piece, reason);
      this.#filled += piece;
      done += piece;
    }
    this.threads.spentNs += Math.ceil((len * this.#copyNsPerKib) / 1024);
  }

  /** The skb was read to its end and is about to be eaten: `hold` of the frags that were copied. */
  putSkb(skb: number): void {
    const stages = this.#stages;
    if (!stages.on) return;
    const { frags, fragTimes, skbs } = this.#slab;
    const putNs = this.#clock.nowNs + this.threads.spentNs;
    let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    while (frag >= 0) {
      const at = frag * FR_TIMES;
      if (fragTimes[at + FR_ARRIVAL_NS] === READ) {
        stages.hold.record(putNs - fragTimes[at + FR_STAMP_NS]!, 1);
      }
      frag = frags[frag * FR_WORDS + FR_NEXT]!;
    }
  }
}
