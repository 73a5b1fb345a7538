/**
 * The options of a SYN (RFC 9293 section 3.2, RFC 7323, RFC 2018).
 *
 *      TCP header   [20 bytes][kind][length][value ...][kind] ...
 *                             <-------- (data offset - 5) * 4 ------->
 */
const KIND_END = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WINDOW_SCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_TIMESTAMPS = 8;

/** What a SYN offered. One instance is filled again and again. */
export class SynOptions {
  /** MSS in bytes, 0 where the option is absent. */
  mss = 0;
  /** Window scale 0 to 14, -1 where the option is absent. */
  windowScale = -1;
  sackPermitted = false;
  timestamps = false;

  /**
   * Reads the options of the TCP header at byte `l4` of `view`. Options that run beyond the header
   * end the walk, as in tcp_parse_options (net/ipv4/tcp_input.c).
   */
  parse(view: DataView, l4: number): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.timestamps = false;
    const end = l4 + (view.getUint8(l4 + 12) >>> 4) * 4;
    let at = l4 + 20;
    while (at < end) {
      const kind = view.getUint8(at);
      if (kind === KIND_END) return;
      if (kind === KIND_NOP) {
        at++;
        continue;
      }
      if (at + 2 > end) return;
      const length = view.getUint8(at + 1);
      if (length < 2 || at + length > end) return;
      this.#take(view, kind, length, at + 2);
      at += length;
    }
  }

  #take(view: DataView, kind: number, length: number, value: number): void {
    if (kind === KIND_MSS && length === 4) this.mss = view.getUint16(value);
    else if (kind === KIND_WINDOW_SCALE && length === 3) {
      this.windowScale = Math.min(view.getUint8(value), 14);
    } else if (kind === KIND_SACK_PERMITTED && length === 2) this.sackPermitted = true;
    else if (kind === KIND_TIMESTAMPS && length === 10) this.timestamps = true;
  }
}
