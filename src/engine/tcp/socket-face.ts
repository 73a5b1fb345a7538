/**
 * What a reading application sees of the TCP stack. A socket is an integer: one direction of one
 * connection. The receive queue is a list of skbs linked by SK_NEXT, in sequence order.
 */
export interface SocketFace {
  /** First skb of the socket's receive queue, or -1. Its data starts before or at copied_seq. */
  head(sock: number): number;
  /** tp->copied_seq. */
  copiedSeq(sock: number): number;
  /** Sequence number behind the last readable byte, rcv_nxt less a FIN. */
  readableSeq(sock: number): number;
  /** True once a FIN or an accepted RST ended what will ever be readable. */
  ended(sock: number): boolean;
  /** Advances copied_seq by `bytes` of payload that the reader took. */
  advance(sock: number, bytes: number): void;
  /**
   * Unlinks the first skb, whose payload was consumed to its end, uncharges its truesize and frees
   * it (tcp_eat_recv_skb).
   */
  eat(sock: number): void;
  /**
   * The reader consumed part of the first skb's frags and put them: `truesize` stays charged until
   * eat. Called after each receive call that returned data: window update and buffer auto-tuning
   * (tcp_cleanup_rbuf, tcp_rcv_space_adjust).
   */
  readDone(sock: number, bytes: number): void;
  /** close() and destroy: receive queue freed, then user frags, then the ofo queue (7.4). */
  close(sock: number): void;
  /** Sockets opened so far; numbers run from 0. */
  readonly sockets: number;
}

/** What the TCP stack tells the application. */
export interface SocketEvents {
  /**
   * sk_data_ready: data, a FIN or an RST arrived at a socket whose reader had nothing to do.
   * Called in softirq on the queue's CPU; told once until the reader ran dry again.
   */
  dataReady(sock: number, queue: number): void;
  /** tcp_v4_destroy_sock between receive queue and ofo queue: put all tokens of the socket. */
  releaseUserFrags(sock: number): void;
}
