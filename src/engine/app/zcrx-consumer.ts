import type { Ledger } from "../ledger/ledger.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { Z2 } from "../netmem/state.js";
import type { ZcrxIfq } from "../provider/zcrx.js";
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
} from "../skb/skb-slab.js";
import type { Application, ApplicationCounts, ApplicationPlan } from "./application.js";
import { HOLD_WORDS, HoldRing } from "./hold-ring.js";
import { payloadOffset } from "./payload-offset.js";
import { type ApplicationDeps, SkbCopier } from "./skb-copier.js";
import { ZcrxRearm } from "./zcrx-rearm.js";

/** skbs that one call looks at: IO_SKBS_PER_CALL_LIMIT is 20 and tested as `nr++ > 20`. */
const SKBS_PER_CALL = 21;

/** What the zcrx consumer needs beside {@link ApplicationDeps}. */
export interface ZcrxConsumerDeps extends ApplicationDeps {
  readonly ledger: Ledger;
  readonly table: NetmemTable;
  /** The instance of each receive queue with a provider, as they are when a process starts. */
  readonly ifqs: readonly ZcrxIfq[];
  /** Entries of the completion queue, emptied after each call; 0 for the default of 1024. */
  readonly cqEntries: number;
  /** KernelProfile.regress; no historic bug where it is absent. */
  readonly regress?: string;
}

/**
 * The application of the zcrx provider: multishot RECV_ZC requests, completions, refill ring.
 *
 *      skb   [ niov frag ][ page frag .......... ]
 *                 |              | copied, a page at most each
 *                CQE         CQE     CQE  on fallback niovs
 *                 |
 *      order: CQE written, pp reference, user reference; CQEs visible at the end of the call
 *
 * Each completion is held, then given back with one refill entry, `batch` entries a tail update.
 * When fallback niovs run out the request ends with -ENOMEM; the application arms it again later
 * (zcrx-rearm.ts), and the bytes stay in the socket. A step's refill entries all take effect when
 * it begins: `hold` ends there, where `pool` starts.
 *
 * A multishot request takes what is there, 21 skbs an issue: `readSizeBytes` is no bound, as a
 * length in its sqe would be a limit on the whole request, not on a read.
 *
 * One simplification: a niov of another queue's instance is completed as well, as if each request
 * were on the instance that owns it. The kernel ends the request with -EFAULT there
 * (io_zcrx_recv_frag); a thread that reads sockets of several queues needs a ring for each.
 */
export class ZcrxConsumer implements Application {
  readonly #plan: ApplicationPlan;
  readonly #deps: ZcrxConsumerDeps;
  readonly #copier: SkbCopier;
  readonly held: readonly HoldRing[];
  readonly #rearm: ZcrxRearm;
  /** Entries of the completion queue, emptied after each call. */
  cqEntries: number;
  /** The instance of each thread. */
  readonly #own: ZcrxIfq[];
  #cqes = 0;
  #rqes = 0;
  #issues = 0;
  #flushes = 0;
  /** CQEs of the running call. */
  #inCall = 0;
  /** The running call found no fallback niov. */
  #noMemory = false;
  #enospc = 0;
  #efault = 0;

  constructor(plan: ApplicationPlan, deps: ZcrxConsumerDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#copier = new SkbCopier(plan, deps);
    this.held = Array.from({ length: plan.threads }, () => new HoldRing(plan.batch, plan.holdNs));
    this.#rearm = new ZcrxRearm(plan.threads, deps.clock);
    const { ifqs } = deps;
    this.#own = Array.from({ length: plan.threads }, (_, thread) => ifqs[thread % ifqs.length]!);
    this.cqEntries = deps.cqEntries > 0 ? deps.cqEntries : 1024;
  }

  get nextNs(): number {
    return this.#copier.threads.nextNs;
  }

  get counts(): ApplicationCounts {
    const { ended, rearmed } = this.#rearm;
    return this.#copier.delivery.counts(
      { issues: this.#issues, cqes: this.#cqes, rqes: this.#rqes, flushes: this.#flushes, rearmed },
      { ENOMEM: ended, ENOSPC: this.#enospc, EFAULT: this.#efault },
    );
  }

  get heldCount(): number {
    return this.held.reduce((sum, held) => sum + held.count, 0);
  }

  dataReady(sock: number, queue: number): void {
    this.#copier.threads.dataReady(sock, queue);
  }

  run(): void {
    const { threads } = this.#copier;
    const { clock } = this.#deps;
    const { batch } = this.#plan;
    const { retryNs } = this.#rearm;
    do {
      const t = threads.begin(threads.next);
      const nowNs = clock.nowNs;
      const held = this.held[t]!;
      if (held.dueNs <= nowNs) {
        while (held.dueNs <= nowNs) this.#giveBack(t, held, batch);
        this.#rearm.progress(t);
      }
      if (retryNs[t]! <= nowNs) this.#armAgain(t);
      const sock = threads.takeSocket(t);
      if (sock >= 0) {
        if (this.#receive(held, t, sock)) threads.again(t, sock);
        held.settle();
      }
      threads.dueNs[t] = Math.min(held.dueNs, retryNs[t]!);
      threads.finish(t);
    } while (threads.goOn());
  }

  giveBackAll(): void {
    const { threads } = this.#copier;
    for (let t = 0; t < threads.count; t++) {
      threads.begin(t);
      const held = this.held[t]!;
      const gave = held.count > 0;
      while (held.count > 0) this.#giveBack(t, held, Math.min(held.count, this.#plan.batch));
      if (gave) this.#rearm.progress(t);
      threads.dueNs[t] = this.#rearm.retryNs[t]!;
      threads.finish(t);
    }
    threads.settle();
  }

  exit(): void {
    this.#copier.threads.halt();
    this.#rearm.clear();
    for (const held of this.held) held.clear();
  }

  /**
   * A RECV_ZC request that was in flight when the process went: it takes what the socket has, with
   * user references that nobody will give back. The bytes count as delivered.
   */
  issueInFlight(sock: number): void {
    const { threads } = this.#copier;
    const thread = threads.threadOf(sock);
    this.#receive(this.held[thread]!, thread, sock);
    this.held[thread]!.clear();
    this.#rearm.clear();
    threads.spentNs = 0;
  }

  /** What was held of a ring that went is nobody's: the kernel scrubbed it. */
  start(): void {
    const { ifqs } = this.#deps;
    for (const held of this.held) held.clear();
    for (let t = 0; t < this.#own.length; t++) this.#own[t] = ifqs[t % ifqs.length]!;
  }

  /** zcrx has no tokens: user references outlive the socket. */
  releaseUserFrags(_sock: number): void {}

  rebase(deltaNs: number): void {
    this.#copier.threads.rebase(deltaNs);
    this.#rearm.rebase(deltaNs);
    for (const held of this.held) held.rebase(deltaNs);
  }

  /** One issue of a RECV_ZC request (io_zcrx_tcp_recvmsg); true if it is to be issued again. */
  #receive(held: HoldRing, thread: number, sock: number): boolean {
    const { tcp, slab, costs } = this.#deps;
    const { skbs } = slab;
    const endSeq = tcp.readableSeq(sock);
    const startSeq = tcp.copiedSeq(sock);
    let seq = startSeq;
    let head = tcp.head(sock);
    let calls = 0;
    this.#copier.threads.spentNs += costs.syscallNs;
    this.#issues++;
    this.#inCall = 0;
    this.#noMemory = false;
    while (head >= 0 && calls++ < SKBS_PER_CALL) {
      const at = head * SK_WORDS;
      const bytes = skbs[at + SK_LEN]!;
      const offset = payloadOffset(seq, skbs[at + SK_SEQ]!, skbs[at + SK_FLAGS]!);
      const readable = (endSeq - seq) | 0;
      const wanted = Math.min(bytes - offset, readable);
      const used = wanted > 0 ? this.#receiveSkb(held, thread, sock, head, offset, wanted) : 0;
      if (used > 0) {
        tcp.advance(sock, used);
        seq = (seq + used) | 0;
      }
      if (offset + used < bytes) break;
      tcp.eat(sock);
      head = tcp.head(sock);
    }
    this.#cqes += this.#inCall;
    const taken = (seq - startSeq) | 0;
    if (taken > 0) tcp.readDone(sock, taken);
    if (head < 0 || taken > 0 || calls > SKBS_PER_CALL) return head >= 0;
    if (this.#noMemory) this.#rearm.end(thread, sock);
    return false;
  }

  /** io_zcrx_recv_skb: up to `wanted` payload bytes from `offset` on; returns those taken. */
  #receiveSkb(
    held: HoldRing,
    thread: number,
    sock: number,
    skb: number,
    offset: number,
    wanted: number,
  ): number {
    const { slab, ledger, stages, costs, clock, table } = this.#deps;
    const { threads, delivery } = this.#copier;
    const { frags, fragTimes } = slab;
    const nowNs = clock.nowNs;
    const { first, count } = this.#own[thread]!.area;
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    let skip = offset;
    let left = wanted;
    while (left > 0) {
      const f = frag * FR_WORDS;
      const bytes = frags[f + FR_LEN]!;
      if (skip >= bytes) skip -= bytes;
      else {
        const netmem = frags[f + FR_NETMEM]!;
        const piece = Math.min(bytes - skip, left);
        const at = frag * FR_TIMES;
        const stampNs = fragTimes[at + FR_STAMP_NS]!;
        if (stampNs > nowNs + threads.spentNs) threads.spentNs = stampNs - nowNs;
        const readNs = nowNs + threads.spentNs;
        const addr = (frags[f + FR_ADDR]! >>> 0) + skip;
        let taken = piece;
        threads.spentNs += costs.fragNs;
        if (netmem >= table.areaNetmems) taken = this.#copy(held, thread, sock, skb, addr, piece);
        else if (!this.#complete((netmem - first) >>> 0 < count, netmem)) {
          // A model that counts bytes as consumed that no completion names (row F37).
          taken = this.#deps.regress === "F37" ? piece : 0;
        } else {
          ledger.userGet(netmem, Z2);
          const slot = held.push(netmem, piece);
          held.readNs[slot] = readNs;
          delivery.reference(sock, addr, piece);
        }
        left -= taken;
        if (skip + taken === bytes && stages.on) {
          stages.app.record(readNs - stampNs, 1);
          stages.deliver.record(readNs - fragTimes[at + FR_ARRIVAL_NS]!, 1);
        }
        if (taken < piece) break;
        skip = 0;
      }
      frag = frags[f + FR_NEXT]!;
    }
    return wanted - left;
  }

  /** Writes the CQE of a niov; false, and nothing, for a full queue (-ENOSPC) or a strange niov. */
  #complete(own: boolean, netmem: number): boolean {
    if (!own && this.#ownerOf(netmem) === null) {
      this.#efault++;
      return false;
    }
    if (this.#inCall === this.cqEntries) {
      this.#enospc++;
      return false;
    }
    this.#inCall++;
    this.#copier.threads.spentNs += this.#deps.costs.cqeNs;
    return true;
  }

  /** io_zcrx_copy_chunk: pieces of a page at most, each on a niov of its own; bytes copied. */
  #copy(
    held: HoldRing,
    thread: number,
    sock: number,
    skb: number,
    addr: number,
    len: number,
  ): number {
    const { arena, clock, costs, table } = this.#deps;
    const { threads, delivery } = this.#copier;
    const ifq = this.#own[thread]!;
    const reason = this.#copier.reasonOf(skb);
    let done = 0;
    while (done < len) {
      const piece = Math.min(PAGE_SIZE, len - done);
      if (this.#inCall === this.cqEntries) {
        this.#enospc++;
        break;
      }
      const netmem = ifq.allocFallback(piece);
      if (netmem < 0) {
        this.#noMemory = true;
        break;
      }
      const to = table.addressOf(netmem);
      this.#inCall++;
      arena.kernels.copy(to, addr + done, piece);
      threads.spentNs += costs.cqeNs + Math.ceil((piece * costs.copyNsPerKib) / 1024);
      const slot = held.push(netmem, piece);
      held.readNs[slot] = clock.nowNs + threads.spentNs;
      delivery.copied(sock, to, piece, reason);
      done += piece;
    }
    if (done > 0) this.#rearm.progress(thread);
    return done;
  }

  /** Gives the oldest `count` completions back, one RQE each, then publishes them at once. */
  #giveBack(thread: number, held: HoldRing, count: number): void {
    const { clock, costs, stages } = this.#deps;
    const { threads } = this.#copier;
    const own = this.#own[thread]!;
    const { area } = own;
    const nowNs = clock.nowNs;
    for (let k = 0; k < count; k++) {
      const slot = held.shift();
      const netmem = held.words[slot * HOLD_WORDS]!;
      const ifq = (netmem - area.first) >>> 0 < area.count ? own : this.#ownerOf(netmem)!;
      this.#post(ifq, netmem, held.words[slot * HOLD_WORDS + 1]!);
      if (ifq !== own) ifq.ring.publish();
      if (stages.on) {
        // Only giveBackAll can come before the read's own time is over.
        const readNs = held.readNs[slot]!;
        stages.hold.record(readNs < nowNs ? nowNs - readNs : 0, 1);
      }
    }
    threads.spentNs += costs.cqeNs * count;
    this.#rqes += count;
    own.ring.publish();
    held.settle();
  }

  /** Writes one refill entry; a full ring is flushed first. */
  #post(ifq: ZcrxIfq, netmem: number, len: number): void {
    const { clock } = this.#deps;
    const id = ifq.area.owns(netmem) ? 0 : ifq.areas.list.findIndex((area) => area.owns(netmem));
    const area = ifq.areas.list[id]!;
    const shift = area.niovShift;
    const index = netmem - area.first;
    const low = (index << shift) >>> 0;
    const high = (index >>> (32 - shift)) | (id << 16);
    const { ring } = ifq;
    let entry = ring.post(low, high, len);
    if (entry < 0) {
      ring.publish();
      this.#flush(ifq);
      entry = ring.post(low, high, len);
      if (entry < 0) throw new Error("refill ring full after flush");
    }
    ring.postedNs[entry] = clock.nowNs;
  }

  /** The waiting requests of a thread are armed again, after a flush of what was given back. */
  #armAgain(thread: number): void {
    const { ifqs, costs } = this.#deps;
    this.#flush(ifqs[thread % ifqs.length]!);
    this.#copier.threads.spentNs += costs.syscallNs;
    this.#rearm.arm(thread, this.#copier.threads);
  }

  #flush(ifq: ZcrxIfq): void {
    ifq.flushRq();
    this.#flushes++;
    this.#copier.threads.spentNs += this.#deps.costs.syscallNs;
  }

  /** The instance that owns a niov, null if there is none. */
  #ownerOf(netmem: number): ZcrxIfq | null {
    return this.#deps.ifqs.find((ifq) => ifq.areas.of(netmem) !== null) ?? null;
  }
}
