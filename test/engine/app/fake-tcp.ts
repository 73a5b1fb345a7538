import {
  SK_END_SEQ,
  SK_FLAGS,
  SK_LEN,
  SK_NEXT,
  SK_QUEUE,
  SK_SEQ,
  SK_WORDS,
  type SkbSlab,
  TCP_FIN,
  TCP_SYN,
} from "../../../src/engine/skb/skb-slab.js";
import type { SocketFace } from "../../../src/engine/tcp/socket-face.js";

/** A receive queue without a protocol: the test puts skbs on it in order. */
export class FakeTcp implements SocketFace {
  readonly read: number[] = [];
  readonly windows: number[] = [];
  readonly #queues: number[][] = [];
  readonly #copied: number[] = [];
  readonly #readable: number[] = [];

  constructor(
    readonly slab: SkbSlab,
    isn: number,
    sockets: number,
  ) {
    for (let i = 0; i < sockets; i++) {
      this.#queues.push([]);
      this.#copied.push(isn);
      this.#readable.push(isn);
      this.read.push(0);
    }
  }

  get sockets(): number {
    return this.#queues.length;
  }

  head(sock: number): number {
    return this.#queues[sock]![0] ?? -1;
  }

  copiedSeq(sock: number): number {
    return this.#copied[sock]!;
  }

  readableSeq(sock: number): number {
    return this.#readable[sock]!;
  }

  ended(): boolean {
    return false;
  }

  advance(sock: number, bytes: number): void {
    this.#copied[sock] = (this.#copied[sock]! + bytes) | 0;
    if (((this.#readable[sock]! - this.#copied[sock]!) | 0) < 0) throw new Error("read too far");
  }

  eat(sock: number): void {
    const skb = this.#queues[sock]!.shift()!;
    const end = (this.slab.skbs[skb * SK_WORDS + SK_END_SEQ]! - this.#copied[sock]!) | 0;
    const fin = this.slab.skbs[skb * SK_WORDS + SK_FLAGS]! & TCP_FIN ? 1 : 0;
    if (end > fin) throw new Error("ate an skb with unread bytes");
    this.slab.free(skb);
  }

  readDone(sock: number, bytes: number): void {
    this.read[sock]! += bytes;
    this.windows.push(bytes);
  }

  close(sock: number): void {
    for (const skb of this.#queues[sock]!.splice(0)) this.slab.free(skb);
  }

  /** Queues an skb whose frags are there: `seq` is its header's, `end` behind its payload. */
  queue(sock: number, skb: number, seq: number, flags: number, rxQueue: number): void {
    const at = skb * SK_WORDS;
    const { skbs } = this.slab;
    const payload = skbs[at + SK_LEN]!;
    const syn = flags & TCP_SYN ? 1 : 0;
    const fin = flags & TCP_FIN ? 1 : 0;
    skbs[at + SK_SEQ] = seq;
    skbs[at + SK_END_SEQ] = (seq + syn + payload + fin) | 0;
    skbs[at + SK_FLAGS] = flags;
    skbs[at + SK_NEXT] = -1;
    skbs[at + SK_QUEUE] = rxQueue;
    const readable = (seq + syn + payload) | 0;
    if (((readable - this.#readable[sock]!) | 0) > 0) this.#readable[sock] = readable;
    this.#queues[sock]!.push(skb);
  }
}
