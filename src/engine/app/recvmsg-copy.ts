import { SK_FLAGS, SK_LEN, SK_SEQ, SK_WORDS } from "../skb/skb-slab.js";
import type { Application, ApplicationCounts, ApplicationPlan } from "./application.js";
import { COPY_RECVMSG } from "./delivery.js";
import { payloadOffset } from "./payload-offset.js";
import { type ApplicationDeps, SkbCopier } from "./skb-copier.js";

/**
 * The application of the page provider: recvmsg by copy (tcp_recvmsg_locked). It never owns a
 * netmem; frags go back when their skb was read to its end and is eaten.
 */
export class RecvmsgCopy implements Application {
  readonly #plan: ApplicationPlan;
  readonly #deps: ApplicationDeps;
  readonly #copier: SkbCopier;
  #calls = 0;

  constructor(plan: ApplicationPlan, deps: ApplicationDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#copier = new SkbCopier(plan, deps);
  }

  get nextNs(): number {
    return this.#copier.threads.nextNs;
  }

  get counts(): ApplicationCounts {
    return this.#copier.delivery.counts({ recvmsg: this.#calls }, {});
  }

  /** None: it never owns a netmem. */
  readonly held = [];

  /** Always 0. */
  get heldCount(): number {
    return 0;
  }

  dataReady(sock: number, queue: number): void {
    this.#copier.threads.dataReady(sock, queue);
  }

  run(): void {
    const { threads } = this.#copier;
    do {
      const t = threads.begin(threads.next);
      const sock = threads.takeSocket(t);
      if (sock >= 0 && this.#receive(sock)) threads.again(t, sock);
      threads.finish(t);
    } while (threads.goOn());
  }

  /** Nothing is held between receive calls. */
  giveBackAll(): void {}

  /** Reads by socket alone: nothing to take up. */
  start(): void {}

  exit(): void {
    this.#copier.threads.halt();
  }

  /** A copying reader has no user references. */
  releaseUserFrags(_sock: number): void {}

  rebase(deltaNs: number): void {
    this.#copier.threads.rebase(deltaNs);
  }

  /** One recvmsg; true if the socket has more to read. */
  #receive(sock: number): boolean {
    const { tcp, slab, costs } = this.#deps;
    const copier = this.#copier;
    const { skbs } = slab;
    const endSeq = tcp.readableSeq(sock);
    let seq = tcp.copiedSeq(sock);
    let left = this.#plan.readSizeBytes;
    let head = tcp.head(sock);
    copier.begin();
    copier.threads.spentNs += costs.syscallNs;
    this.#calls++;
    while (head >= 0 && left > 0) {
      const at = head * SK_WORDS;
      const bytes = skbs[at + SK_LEN]!;
      const offset = payloadOffset(seq, skbs[at + SK_SEQ]!, skbs[at + SK_FLAGS]!);
      const used = Math.min(bytes - offset, left, (endSeq - seq) | 0);
      if (used > 0) {
        copier.copySkb(sock, head, offset, used, COPY_RECVMSG);
        tcp.advance(sock, used);
        seq = (seq + used) | 0;
        left -= used;
      }
      if (offset + Math.max(used, 0) < bytes) break;
      copier.putSkb(head);
      tcp.eat(sock);
      head = tcp.head(sock);
    }
    const copied = this.#plan.readSizeBytes - left;
    if (copied > 0) tcp.readDone(sock, copied);
    return head >= 0 && copied > 0;
  }
}
