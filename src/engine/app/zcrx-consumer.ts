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
import { HoldRing } from "./hold-ring.js";
import { payloadOffset } from "./payload-offset.js";
import { type ApplicationDeps, SkbCopier } from "./skb-copier.js";
import { ZcrxGiveBack } from "./zcrx-give-back.js";
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
  readonly #giveBack: ZcrxGiveBack;
  #cqes = 0;
  #issues = 0;
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
    this.#giveBack = new ZcrxGiveBack(plan.threads, deps, this.#copier.threads);
    this.cqEntries = deps.cqEntries > 0 ? deps.cqEntries : 1024;
  }

  get nextNs(): number {
    return this.#copier.threads.nextNs;
  }

  get counts(): ApplicationCounts {
    const { ended, rearmed } = this.#rearm;
    const { rqes, flushes } = this.#giveBack;
    return this.#copier.delivery.counts(
      { issues: this.#issues, cqes: this.#cqes, rqes, flushes, rearmed },
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
        this.#giveBack.due(t, held, batch);
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
      while (held.count > 0) this.#giveBack.give(t, held, Math.min(held.count, this.#plan.batch));
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
    for (const held of this.held) held.clear();
    this.#giveBack.start();
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
    const { first, count } = this.#giveBack.own[thread]!.area;
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    let skip = offset;
    let left = wanted;
    let referenced = 0;
    let { spentNs } = threads;
    while (left > 0) {
      const f = frag * FR_WORDS;
      const bytes = frags[f + FR_LEN]!;
      if (skip >= bytes) skip -= bytes;
      else {
        const netmem = frags[f + FR_NETMEM]!;
        const piece = Math.min(bytes - skip, left);
        const at = frag * FR_TIMES;
        const stampNs = fragTimes[at + FR_STAMP_NS]!;
        if (stampNs > nowNs + spentNs) spentNs = stampNs - nowNs;
        const readNs = nowNs + spentNs;
        const addr = (frags[f + FR_ADDR]! >>> 0) + skip;
        let taken = piece;
        spentNs += costs.fragNs;
        if (netmem >= table.areaNetmems) {
          threads.spentNs = spentNs;
          taken = this.#copy(held, thread, sock, skb, addr, piece);
          spentNs = threads.spentNs;
        } else if (!this.#complete((netmem - first) >>> 0 < count, netmem)) {
          // A model that counts bytes as consumed that no completion names (row F37).
          taken = this.#deps.regress === "F37" ? piece : 0;
        } else {
          spentNs += costs.cqeNs;
          ledger.userGet(netmem, Z2);
          const slot = held.push(netmem, piece);
          held.readNs[slot] = readNs;
          delivery.reference(sock, addr, piece);
          referenced += piece;
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
    threads.spentNs = spentNs;
    delivery.referenced(referenced);
    return wanted - left;
  }

  /** Counts the CQE of a niov; false for a full queue (-ENOSPC) or a strange niov. */
  #complete(own: boolean, netmem: number): boolean {
    if (!own && this.#giveBack.ownerOf(netmem) === null) {
      this.#efault++;
      return false;
    }
    if (this.#inCall === this.cqEntries) {
      this.#enospc++;
      return false;
    }
    this.#inCall++;
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
    const ifq = this.#giveBack.own[thread]!;
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

  /** The waiting requests of a thread are armed again, after a flush of what was given back. */
  #armAgain(thread: number): void {
    const { ifqs, costs } = this.#deps;
    this.#giveBack.flush(ifqs[thread % ifqs.length]!);
    this.#copier.threads.spentNs += costs.syscallNs;
    this.#rearm.arm(thread, this.#copier.threads);
  }
}
