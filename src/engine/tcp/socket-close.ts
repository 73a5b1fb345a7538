import { InvariantViolation } from "../ledger/invariant.js";
import { SK_END_SEQ, SK_FLAGS, SK_WORDS, TCP_FIN } from "../skb/skb-slab.js";
import { fin } from "./data-queue.js";
import { ABORT_ON_CLOSE, ABORT_ON_DATA, DROP_ABORT_ON_DATA, DROP_CLOSE } from "./mib.js";
import { purgeOfo } from "./ofo-purge.js";
import { dropSkb, eatFirst, loseFirst, tellReader } from "./receive-queue.js";
import {
  C_GAPS,
  C_OFO_ROOT,
  F_CLOSED,
  F_FIN,
  F_INIT,
  F_PRED,
  F_RST,
  H_FLAGS,
  H_HEAD,
  H_RCV_NXT,
  H_RMEM,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/** What goes out when a socket is closed: an RST or a FIN, or nothing on a dead connection. */
export type Farewell = "RST" | "FIN" | "nothing";

/**
 * close() of a socket and what follows (net/ipv4/tcp.c, tcp_ipv4.c).
 *
 *      close   receive queue freed --- unread data, or reset ---> destroyed at once (RST)
 *                      \-------------- all read ----------------> FIN, orphan: waits for its ACK
 *      destroy user frags (tokens), then the out-of-order queue
 *
 * An orphan keeps tokens and out-of-order data until it is destroyed, however long the peer takes
 * to acknowledge its FIN; new data from the peer resets it (tcp_rcv_state_process).
 */
export class SocketClose {
  readonly #t: SocketTable;
  /** Sockets whose FIN went out and was not acknowledged yet. */
  readonly #orphans = new Set<number>();

  constructor(sockets: SocketTable) {
    this.#t = sockets;
  }

  /** Orphans now. */
  get orphans(): number {
    return this.#orphans.size;
  }

  /** __tcp_close: what goes out; with a FIN the socket waits, else it is destroyed. */
  close(sock: number): Farewell {
    const t = this.#t;
    const at = sock << SOCK_SHIFT;
    if (this.closed(sock)) return "nothing";
    const dead = (t.hot[at + H_FLAGS]! & F_RST) !== 0;
    const unread = t.hot[at + H_HEAD]! >= 0;
    if (unread && !dead) t.mib[ABORT_ON_CLOSE]!++;
    if (t.profile.regress === "F28") loseFirst(t, sock);
    while (t.hot[at + H_HEAD]! >= 0) eatFirst(t, sock);
    t.hot[at + H_FLAGS] = (t.hot[at + H_FLAGS]! | F_CLOSED) & ~F_PRED;
    this.#orphans.add(sock);
    if (unread || dead) this.destroy(sock);
    return dead ? "nothing" : unread ? "RST" : "FIN";
  }

  /** Whether close() ran already. */
  closed(sock: number): boolean {
    return (this.#t.hot[(sock << SOCK_SHIFT) + H_FLAGS]! & F_CLOSED) !== 0;
  }

  /** inet_csk_destroy_sock, tcp_v4_destroy_sock: no-op for a socket that is no orphan. */
  destroy(sock: number): void {
    const t = this.#t;
    const at = sock << SOCK_SHIFT;
    if (!this.#orphans.delete(sock)) return;
    t.events.releaseUserFrags(sock);
    t.cold[at + C_GAPS] = t.ofo.gaps(t.cold[at + C_OFO_ROOT]!, t.hot[at + H_RCV_NXT]!);
    purgeOfo(t, sock);
    if (t.hot[at + H_RMEM] !== 0) {
      const left = t.hot[at + H_RMEM];
      throw new InvariantViolation(38, `socket ${sock} was closed with rmem_alloc ${left}`);
    }
  }

  /** A bare FIN of the peer at rcv_nxt: half close, with whatever tokens are out. */
  finByPeer(sock: number): void {
    const t = this.#t;
    const at = sock << SOCK_SHIFT;
    if ((t.hot[at + H_FLAGS]! & (F_CLOSED | F_FIN | F_INIT)) !== F_INIT) return;
    t.hot[at + H_RCV_NXT] = (t.hot[at + H_RCV_NXT]! + 1) | 0;
    fin(t, sock);
    tellReader(t, sock, 0);
  }

  /** A segment for a socket that was closed or reset: new data resets an orphan. */
  receive(sock: number, skb: number): void {
    const t = this.#t;
    const skbs = t.slab.skbs;
    const k = skb * SK_WORDS;
    const fin = (skbs[k + SK_FLAGS]! & TCP_FIN) !== 0 ? 1 : 0;
    const end = (skbs[k + SK_END_SEQ]! - fin) | 0;
    const fresh = ((end - t.hot[(sock << SOCK_SHIFT) + H_RCV_NXT]!) | 0) > 0;
    if (!fresh || !this.#orphans.has(sock)) {
      dropSkb(t, skb, DROP_CLOSE);
      return;
    }
    t.mib[ABORT_ON_DATA]!++;
    dropSkb(t, skb, DROP_ABORT_ON_DATA);
    this.destroy(sock);
  }
}
