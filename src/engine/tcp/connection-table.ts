import { Prng } from "../clock/prng.js";
import {
  F_V6,
  H_FLAGS,
  H_KEY_HI,
  H_KEY_LO,
  H_PORTS,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/**
 * From a packet's addresses and ports to its socket: open addressing, linear probing, load at most
 * one half.
 *
 *      endpoints (address, port) sorted -> key, and which of the two sent -> direction
 *
 *      slots   [hash][connection + 1] [hash][0] ...            8 bytes a slot
 *                          |
 *                          v
 *      hot     [socket 2c: lower endpoint sends][socket 2c+1: higher endpoint sends]
 *
 * The hash sends each word through two multiplications by odd numbers drawn from the seed, with a
 * shift in between: without the seed a capture cannot aim its connections at one slot.
 */
/**
 * Slots looked at for one connection. A hash that is left alone rarely needs more; where somebody
 * who knows the seed aims connections at one slot, what finds no place within these goes into a map
 * of texts, whose hash the engine's host draws anew for each process.
 */
export const MAX_PROBES = 32;

/** See the head of this file. */
export class ConnectionTable {
  readonly #sockets: SocketTable;
  /** Secret odd multipliers. */
  readonly #m1: number;
  readonly #m2: number;
  readonly #m3: number;
  readonly #m4: number;
  readonly #m5: number;
  readonly #m6: number;
  #slots: Int32Array;
  #mask: number;
  #used = 0;
  /** Connections that found no slot, by key. */
  readonly #beyond = new Map<string, number>();
  /** Key words of the last IPv6 packet, lower endpoint first. */
  readonly #v6 = new Int32Array(8);

  constructor(sockets: SocketTable, seed: number, connections: number) {
    this.#sockets = sockets;
    const prng = new Prng(seed);
    this.#m1 = prng.next() | 1;
    this.#m2 = prng.next() | 1;
    this.#m3 = prng.next() | 1;
    this.#m4 = prng.next() | 1;
    this.#m5 = prng.next() | 1;
    this.#m6 = prng.next() | 1;
    const slots = connections * 2;
    this.#slots = new Int32Array(slots * 2);
    this.#mask = slots - 1;
  }

  /**
   * Socket of an IPv4 packet, or -1: addresses as int32 words, `ports` source << 16 | destination.
   */
  find4(saddr: number, daddr: number, ports: number): number {
    const swap = saddr > daddr || (saddr === daddr && ports >>> 16 > (ports & 0xffff));
    const lo = swap ? daddr : saddr;
    const hi = swap ? saddr : daddr;
    const p = swap ? (ports << 16) | (ports >>> 16) : ports;
    const h = this.#mix(lo, hi, p);
    const slots = this.#slots;
    const mask = this.#mask;
    const hot = this.#sockets.hot;
    for (let i = h & mask, end = i + MAX_PROBES; i < end; i++) {
      const slot = (i & mask) * 2;
      const connection = slots[slot + 1]!;
      if (connection === 0) return -1;
      if (slots[slot] !== h) continue;
      const sock = ((connection - 1) << 1) | (swap ? 1 : 0);
      const at = sock << SOCK_SHIFT;
      if (hot[at + H_KEY_LO] !== lo || hot[at + H_KEY_HI] !== hi || hot[at + H_PORTS] !== p)
        continue;
      if ((hot[at + H_FLAGS]! & F_V6) === 0) return sock;
    }
    const beyond = this.#beyond.get(`${lo} ${hi} ${p}`);
    return beyond === undefined ? -1 : (beyond << 1) | (swap ? 1 : 0);
  }

  /**
   * Opens the connection of an IPv4 packet and returns the packet's socket. A connection that had
   * these endpoints gives its slot up and is remembered as the previous one.
   */
  open4(saddr: number, daddr: number, ports: number): number {
    const swap = saddr > daddr || (saddr === daddr && ports >>> 16 > (ports & 0xffff));
    const old = this.find4(saddr, daddr, ports);
    const lo = swap ? daddr : saddr;
    const hi = swap ? saddr : daddr;
    const p = swap ? (ports << 16) | (ports >>> 16) : ports;
    const connection = this.#sockets.open(lo, hi, p, false, old >> 1);
    this.#place(this.#mix(lo, hi, p), old, connection);
    return (connection << 1) | (swap ? 1 : 0);
  }

  /** Socket of an IPv6 packet whose header starts at byte `l3`, or -1. */
  find6(l3: number, ports: number): number {
    const swap = this.#readKey6(l3, ports);
    const p = swap ? (ports << 16) | (ports >>> 16) : ports;
    return this.#probe6(this.#hash6(p), p, swap ? 1 : 0);
  }

  /** As {@link open4}, for IPv6. */
  open6(l3: number, ports: number): number {
    const swap = this.#readKey6(l3, ports);
    const p = swap ? (ports << 16) | (ports >>> 16) : ports;
    const h = this.#hash6(p);
    const old = this.#probe6(h, p, 0);
    const sockets = this.#sockets;
    const index = sockets.v6Count++;
    if (index * 8 + 8 > sockets.v6Keys.length) {
      const wider = new Int32Array(sockets.v6Keys.length * 2);
      wider.set(sockets.v6Keys);
      sockets.v6Keys = wider;
    }
    sockets.v6Keys.set(this.#v6, index * 8);
    const connection = sockets.open(index, 0, p, true, old >> 1);
    this.#place(h, old, connection);
    return (connection << 1) | (swap ? 1 : 0);
  }

  /** Connections that found no slot within {@link MAX_PROBES}. */
  get beyond(): number {
    return this.#beyond.size;
  }

  /** Longest distance of an entry from its own slot: how well the hash spreads. */
  longestProbe(): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let longest = 0;
    for (let i = 0; i <= mask; i++) {
      if (slots[i * 2 + 1] !== 0) longest = Math.max(longest, (i - slots[i * 2]!) & mask);
    }
    return longest;
  }

  /** Forgets every connection. */
  clear(): void {
    this.#slots.fill(0);
    this.#beyond.clear();
    this.#used = 0;
  }

  #probe6(h: number, p: number, direction: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const { hot, v6Keys } = this.#sockets;
    for (let i = h & mask, end = i + MAX_PROBES; i < end; i++) {
      const slot = (i & mask) * 2;
      const connection = slots[slot + 1]!;
      if (connection === 0) return -1;
      if (slots[slot] !== h) continue;
      const sock = ((connection - 1) << 1) | direction;
      const at = sock << SOCK_SHIFT;
      if (hot[at + H_PORTS] !== p || (hot[at + H_FLAGS]! & F_V6) === 0) continue;
      const key = hot[at + H_KEY_LO]! * 8;
      let k = 0;
      while (k < 8 && v6Keys[key + k] === this.#v6[k]) k++;
      if (k === 8) return sock;
    }
    const beyond = this.#beyond.get(`${this.#v6.join(" ")} ${p}`);
    return beyond === undefined ? -1 : (beyond << 1) | direction;
  }

  /** Reads both addresses, lower endpoint first; true if the packet came from the higher one. */
  #readKey6(l3: number, ports: number): boolean {
    const view = this.#sockets.view;
    const v6 = this.#v6;
    let order = 0;
    for (let k = 0; k < 4; k++) {
      const src = view.getInt32(l3 + 8 + k * 4);
      const dst = view.getInt32(l3 + 24 + k * 4);
      v6[k] = src;
      v6[k + 4] = dst;
      if (order === 0 && src !== dst) order = src > dst ? 1 : -1;
    }
    if (order === 0) order = ports >>> 16 > (ports & 0xffff) ? 1 : -1;
    if (order < 0) return false;
    for (let k = 0; k < 4; k++) {
      const src = v6[k]!;
      v6[k] = v6[k + 4]!;
      v6[k + 4] = src;
    }
    return true;
  }

  #hash6(ports: number): number {
    const v6 = this.#v6;
    let h = ports;
    for (let k = 0; k < 8; k += 2) h = this.#mix(v6[k]!, v6[k + 1]!, h);
    return h;
  }

  #mix(a: number, b: number, c: number): number {
    const x = Math.imul(a, this.#m1);
    const y = Math.imul(b, this.#m2);
    const z = Math.imul(c, this.#m3);
    const h =
      Math.imul(x ^ (x >>> 15), this.#m4) +
      Math.imul(y ^ (y >>> 13), this.#m5) +
      Math.imul(z ^ (z >>> 16), this.#m6);
    return (h ^ (h >>> 15)) | 0;
  }

  /** Gives a connection its place: that of `old`, the one before it, or a new one. */
  #place(h: number, old: number, connection: number): void {
    if (old < 0) {
      if (this.#used * 2 > this.#mask) this.#rehash();
      this.#used++;
    } else {
      for (let i = h & this.#mask, end = i + MAX_PROBES; i < end; i++) {
        const slot = (i & this.#mask) * 2;
        if (this.#slots[slot + 1] !== (old >> 1) + 1) continue;
        this.#slots[slot + 1] = connection + 1;
        return;
      }
    }
    this.#insert(h, connection);
  }

  #insert(h: number, connection: number): void {
    const slots = this.#slots;
    for (let i = h & this.#mask, end = i + MAX_PROBES; i < end; i++) {
      const slot = (i & this.#mask) * 2;
      if (slots[slot + 1] !== 0) continue;
      slots[slot] = h;
      slots[slot + 1] = connection + 1;
      return;
    }
    this.#beyond.set(this.#keyOf(connection), connection);
  }

  /** The connections without a slot keep no hash: theirs is worked out anew. */
  #rehash(): void {
    const old = this.#slots;
    const beyond = [...this.#beyond.values()];
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = old.length - 1;
    this.#beyond.clear();
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.#insert(old[i]!, old[i + 1]! - 1);
    }
    for (const connection of beyond) this.#insert(this.#hashOf(connection), connection);
  }

  #hashOf(connection: number): number {
    const { hot, v6Keys } = this.#sockets;
    const at = (connection << 1) << SOCK_SHIFT;
    const lo = hot[at + H_KEY_LO]!;
    if ((hot[at + H_FLAGS]! & F_V6) === 0) {
      return this.#mix(lo, hot[at + H_KEY_HI]!, hot[at + H_PORTS]!);
    }
    this.#v6.set(v6Keys.subarray(lo * 8, lo * 8 + 8));
    return this.#hash6(hot[at + H_PORTS]!);
  }

  #keyOf(connection: number): string {
    const { hot, v6Keys } = this.#sockets;
    const at = (connection << 1) << SOCK_SHIFT;
    const lo = hot[at + H_KEY_LO]!;
    const isV6 = (hot[at + H_FLAGS]! & F_V6) !== 0;
    const ends = isV6
      ? v6Keys.subarray(lo * 8, lo * 8 + 8).join(" ")
      : `${lo} ${hot[at + H_KEY_HI]}`;
    return `${ends} ${hot[at + H_PORTS]}`;
  }
}
