import type { Ledger } from "../ledger/ledger.js";
import { D2 } from "../netmem/state.js";
import type { PoolReturn } from "../provider/pool-face.js";
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
  SKF_UNREADABLE,
} from "../skb/skb-slab.js";
import type { Application, ApplicationCounts, ApplicationPlan } from "./application.js";
import { COPY_LINEAR } from "./delivery.js";
import { dontneed, freeToken, releaseUserFrags, type TokenList, TokenRanges } from "./dontneed.js";
import { HOLD_WORDS, HoldRing } from "./hold-ring.js";
import { payloadOffset } from "./payload-offset.js";
import { type ApplicationDeps, SkbCopier } from "./skb-copier.js";
import { UserFrags } from "./user-frags.js";

/** Control buffer of a receive call (ncdevmem's), and CMSG_SPACE of one struct dmabuf_cmsg. */
const CONTROL_BYTES = 80000;
const CMSG_BYTES = 40;

/** What the devmem reader needs beside {@link ApplicationDeps}. */
export interface DevmemReaderDeps extends ApplicationDeps {
  readonly ledger: Ledger;
  readonly back: PoolReturn;
  /** Netmems below this number are the dma-buf's niovs. */
  readonly areaNetmems: number;
  /** KernelProfile.regress; no historic bug where it is absent. */
  readonly regress?: string;
}

/**
 * The application of the devmem provider: recvmsg(MSG_SOCK_DEVMEM) and SO_DEVMEM_DONTNEED.
 *
 *      unreadable skb   [ linear ][ frag ][ frag ]
 *                           |         |       |
 *                       LINEAR cmsg   DMABUF cmsg each: token, frag_offset, frag_size
 *                       bytes copied  one more reference on the netmem (D2)
 *
 * A readable skb is read as by any recvmsg, without cmsgs; one call never mixes the two. A frag
 * that is read in pieces gives a token for each piece. Tokens are given back in the order of
 * reading, `batch` a call, split where the socket changes. A step's puts all take effect when it
 * begins, and `hold` ends there: for the pool a netmem is back as soon as it is put.
 */
export class RecvmsgDevmem implements Application {
  readonly userFrags = new UserFrags();
  readonly #plan: ApplicationPlan;
  readonly #deps: DevmemReaderDeps;
  readonly #copier: SkbCopier;
  readonly held: readonly HoldRing[];
  readonly #ranges = new TokenRanges();
  /** Receive calls that look before they take: MSG_PEEK, then the call itself. */
  peeks = 0;
  /** cmsgs of one call: those that fit, and those for which tokens are taken. */
  #wholeCmsgs = CONTROL_BYTES / CMSG_BYTES;
  #maxCmsgs = CONTROL_BYTES / CMSG_BYTES;
  #calls = 0;
  #dontneeds = 0;
  #tokens = 0;
  #stale = 0;
  /** Calls that the control buffer had no room for (put_cmsg_notrunc). */
  #tooSmall = 0;
  #cmsgs = 0;

  constructor(plan: ApplicationPlan, deps: DevmemReaderDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#copier = new SkbCopier(plan, deps);
    this.held = Array.from({ length: plan.threads }, () => new HoldRing(plan.batch, plan.holdNs));
  }

  get nextNs(): number {
    return this.#copier.threads.nextNs;
  }

  get counts(): ApplicationCounts {
    const events = { recvmsg: this.#calls, dontneed: this.#dontneeds, tokens: this.#tokens };
    const errors = { staleTokens: this.#stale, ETOOSMALL: this.#tooSmall };
    return this.#copier.delivery.counts(events, errors);
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
    do {
      const t = threads.begin(threads.next);
      const held = this.held[t]!;
      while (held.dueNs <= clock.nowNs) this.#giveBack(held, batch);
      const sock = threads.takeSocket(t);
      if (sock >= 0) {
        if (this.#receive(held, sock)) threads.again(t, sock);
        held.settle();
      }
      threads.dueNs[t] = held.dueNs;
      threads.finish(t);
    } while (threads.goOn());
  }

  giveBackAll(): void {
    const { threads } = this.#copier;
    for (let t = 0; t < threads.count; t++) {
      threads.begin(t);
      const held = this.held[t]!;
      while (held.count > 0) this.#giveBack(held, Math.min(held.count, this.#plan.batch));
      threads.dueNs[t] = Number.POSITIVE_INFINITY;
      threads.finish(t);
    }
    threads.settle();
  }

  /** Reads by socket alone: nothing to take up. */
  start(): void {}

  exit(): void {
    this.#copier.threads.halt();
    for (const held of this.held) held.clear();
  }

  releaseUserFrags(sock: number): void {
    releaseUserFrags(this.userFrags, this.#deps.ledger, this.#deps.back, sock);
  }

  /** setsockopt(SO_DEVMEM_DONTNEED): tokens freed, or a negative errno. */
  giveTokens(sock: number, ranges: TokenList): number {
    const { ledger, back } = this.#deps;
    return dontneed(this.userFrags, ledger, back, sock, ranges, this.#deps.regress);
  }

  /** msg_controllen of the receive calls from now on. */
  set controlBytes(bytes: number) {
    this.#wholeCmsgs = Math.floor(bytes / CMSG_BYTES);
    // Once the last cmsg was cut where it did not fit, its token taken all the same (row F17).
    const cut = this.#deps.regress === "F17" && bytes % CMSG_BYTES > 0 ? 1 : 0;
    this.#maxCmsgs = this.#wholeCmsgs + cut;
  }

  rebase(deltaNs: number): void {
    this.#copier.threads.rebase(deltaNs);
    for (const held of this.held) held.rebase(deltaNs);
  }

  /** One recvmsg (tcp_recvmsg_locked); true if the socket has more to read. */
  #receive(held: HoldRing, sock: number): boolean {
    const { tcp, slab, costs } = this.#deps;
    const copier = this.#copier;
    const { skbs } = slab;
    const endSeq = tcp.readableSeq(sock);
    let seq = tcp.copiedSeq(sock);
    let left = this.#plan.readSizeBytes;
    let head = tcp.head(sock);
    let lastKind = -1;
    copier.begin();
    copier.threads.spentNs += costs.syscallNs;
    this.#calls++;
    this.#cmsgs = 0;
    if (this.peeks > 0) this.#peek(held, sock, head);
    while (head >= 0 && left > 0) {
      const at = head * SK_WORDS;
      const bytes = skbs[at + SK_LEN]!;
      const offset = payloadOffset(seq, skbs[at + SK_SEQ]!, skbs[at + SK_FLAGS]!);
      const readable = (endSeq - seq) | 0;
      const unread = Math.min(bytes - offset, readable);
      const wanted = Math.min(unread, left);
      let used = 0;
      if (wanted > 0) {
        const kind = skbs[at + SK_FLAGS]! & SKF_UNREADABLE;
        if (lastKind >= 0 && kind !== lastKind) break;
        lastKind = kind;
        used = wanted;
        if (kind === 0) copier.copySkb(sock, head, offset, wanted, copier.reasonOf(head));
        else used = this.#receiveDmabuf(held, sock, head, offset, wanted);
        if (used > 0) tcp.advance(sock, used);
        seq = (seq + used) | 0;
        left -= used;
      }
      if (offset + used < bytes) break;
      if (lastKind === 0) copier.putSkb(head);
      tcp.eat(sock);
      head = tcp.head(sock);
    }
    if (this.#cmsgs > this.#wholeCmsgs) held.pop();
    const taken = this.#plan.readSizeBytes - left;
    if (taken > 0) tcp.readDone(sock, taken);
    else if (lastKind > 0) this.#tooSmall++;
    return head >= 0 && taken > 0;
  }

  /**
   * tcp_recvmsg_dmabuf: `wanted` payload bytes of an unreadable skb from `offset` on; fewer are
   * taken when the control buffer is full. Returns the bytes taken.
   */
  #receiveDmabuf(
    held: HoldRing,
    sock: number,
    skb: number,
    offset: number,
    wanted: number,
  ): number {
    const { slab, ledger, stages, costs, clock, areaNetmems } = this.#deps;
    const { threads, delivery } = this.#copier;
    const { frags, fragTimes } = slab;
    const nowNs = clock.nowNs;
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    let skip = offset;
    let left = wanted;
    let referenced = 0;
    let { spentNs } = threads;
    while (left > 0 && this.#cmsgs < this.#maxCmsgs) {
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
        this.#cmsgs++;
        spentNs += costs.fragNs;
        if (netmem < areaNetmems) {
          const token = this.userFrags.take(sock, netmem);
          ledger.userGet(netmem, D2);
          const slot = held.push(sock, token);
          held.readNs[slot] = readNs;
          spentNs += costs.tokenNs;
          delivery.reference(sock, addr, piece);
          referenced += piece;
        } else {
          threads.spentNs = spentNs;
          this.#copier.copyBytes(sock, addr, piece, COPY_LINEAR);
          spentNs = threads.spentNs;
        }
        left -= piece;
        if (skip + piece === bytes && stages.on) {
          stages.app.record(readNs - stampNs, 1);
          stages.deliver.record(readNs - fragTimes[at + FR_ARRIVAL_NS]!, 1);
        }
        skip = 0;
      }
      frag = frags[f + FR_NEXT]!;
    }
    threads.spentNs = spentNs;
    delivery.referenced(referenced);
    return wanted - left;
  }

  /**
   * recvmsg(MSG_SOCK_DEVMEM | MSG_PEEK) of the first skb: tokens and references as by any receive
   * call, and nothing is consumed. A program that peeks must give these tokens back too.
   */
  #peek(held: HoldRing, sock: number, skb: number): void {
    const { slab, ledger, clock, areaNetmems } = this.#deps;
    if (skb < 0 || (slab.skbs[skb * SK_WORDS + SK_FLAGS]! & SKF_UNREADABLE) === 0) return;
    this.peeks--;
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    while (frag >= 0) {
      const netmem = slab.frags[frag * FR_WORDS + FR_NETMEM]!;
      if (netmem < areaNetmems) {
        const token = this.userFrags.take(sock, netmem);
        ledger.userGet(netmem, D2);
        held.readNs[held.push(sock, token)] = clock.nowNs;
      }
      frag = slab.frags[frag * FR_WORDS + FR_NEXT]!;
    }
  }

  /** Gives the oldest `count` tokens back: a SO_DEVMEM_DONTNEED for each run of one socket. */
  #giveBack(held: HoldRing, count: number): void {
    const { clock, stages } = this.#deps;
    const nowNs = clock.nowNs;
    const ranges = this.#ranges;
    let sock = -1;
    for (let k = 0; k < count; k++) {
      const slot = held.shift();
      const of = held.words[slot * HOLD_WORDS]!;
      const token = held.words[slot * HOLD_WORDS + 1]!;
      if (count === 1) this.#dontneedOne(of, token);
      else {
        if (of !== sock) {
          this.#dontneed(sock);
          sock = of;
        }
        if (!ranges.add(token)) {
          this.#dontneed(sock);
          ranges.add(token);
        }
      }
      if (stages.on) {
        // Only giveBackAll can come before the read's own time is over.
        const readNs = held.readNs[slot]!;
        stages.hold.record(readNs < nowNs ? nowNs - readNs : 0, 1);
      }
    }
    if (count > 1) this.#dontneed(sock);
    held.settle();
  }

  /** SO_DEVMEM_DONTNEED of one token, as `--batch 1` makes them: no list of ranges is needed. */
  #dontneedOne(sock: number, token: number): void {
    const { ledger, back } = this.#deps;
    this.#countFreed(freeToken(this.userFrags, ledger, back, sock, token), 1);
  }

  #dontneed(sock: number): void {
    const ranges = this.#ranges;
    if (ranges.length === 0) return;
    this.#countFreed(this.giveTokens(sock, ranges), ranges.tokens);
    ranges.clear();
  }

  /** One SO_DEVMEM_DONTNEED that freed so many of the tokens that it was given. */
  #countFreed(freed: number, given: number): void {
    const { costs } = this.#deps;
    this.#copier.threads.spentNs += costs.syscallNs + freed * costs.tokenNs;
    this.#dontneeds++;
    this.#tokens += freed;
    this.#stale += given - freed;
  }
}
