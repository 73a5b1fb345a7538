/** Words of the smallest region: one bitmap word and 32 entries. */
const MIN_TOKENS = 32;
/** Columns by socket: region, tokens that it has room for, tokens in use, first word with a gap. */
const SOCK_WORDS = 4;
const AT = 0;
const ROOM = 1;
const USED = 2;
const LOW = 3;

/**
 * sk_user_frags of every socket: an xarray of netmems from index 1 whose lowest free index is
 * handed out first (XA_FLAGS_ALLOC1).
 *
 *      socket   [at][room][used][low]
 *                 |
 *                 v
 *      slab     [ bitmap: room / 32 words ][ netmem of token 0, 1, 2 ... room - 1 ]
 *                 1 = in use, token 0 always
 *
 * A socket gets a region with its first token and one of twice the size when it is full; regions
 * that are given up are used again by size.
 */
export class UserFrags {
  #socks = new Int32Array(1024 * SOCK_WORDS);
  #slab = new Int32Array(4096);
  #end = 0;
  /** Freed regions by log2 of their room. */
  readonly #spare: number[][] = Array.from({ length: 32 }, () => []);

  /** Tokens in use on a socket. */
  count(sock: number): number {
    const s = sock * SOCK_WORDS;
    return s < this.#socks.length ? this.#socks[s + USED]! : 0;
  }

  /** xa_alloc: the lowest free token of a socket now stands for `netmem`. */
  take(sock: number, netmem: number): number {
    const s = sock * SOCK_WORDS;
    if (s >= this.#socks.length) this.#growSocks(s);
    const socks = this.#socks;
    if (socks[s + USED]! + 1 >= socks[s + ROOM]!) this.#widen(s);
    const slab = this.#slab;
    const at = socks[s + AT]!;
    let word = socks[s + LOW]!;
    while (slab[at + word] === -1) word++;
    const free = ~slab[at + word]!;
    const bit = 31 - Math.clz32(free & -free);
    slab[at + word]! |= 1 << bit;
    const token = word * 32 + bit;
    slab[at + (socks[s + ROOM]! >>> 5) + token] = netmem;
    socks[s + LOW] = word;
    socks[s + USED]!++;
    return token;
  }

  /** xa_erase: the netmem of a token, which is free again, or -1 for one that is not in use. */
  erase(sock: number, token: number): number {
    const s = sock * SOCK_WORDS;
    const socks = this.#socks;
    if (s >= socks.length || token <= 0 || token >= socks[s + ROOM]!) return -1;
    const slab = this.#slab;
    const at = socks[s + AT]!;
    const word = token >>> 5;
    const mask = 1 << (token & 31);
    if ((slab[at + word]! & mask) === 0) return -1;
    slab[at + word]! &= ~mask;
    if (word < socks[s + LOW]!) socks[s + LOW] = word;
    socks[s + USED]!--;
    return slab[at + (socks[s + ROOM]! >>> 5) + token]!;
  }

  /** Whether a token of a socket is in use. */
  has(sock: number, token: number): boolean {
    const s = sock * SOCK_WORDS;
    const socks = this.#socks;
    if (s >= socks.length || token <= 0 || token >= socks[s + ROOM]!) return false;
    return ((this.#slab[socks[s + AT]! + (token >>> 5)]! >>> (token & 31)) & 1) === 1;
  }

  /** Lowest token in use on a socket, or -1. */
  lowest(sock: number): number {
    if (this.count(sock) === 0) return -1;
    const s = sock * SOCK_WORDS;
    const at = this.#socks[s + AT]!;
    let word = 0;
    let bits = this.#slab[at]! & ~1;
    while (bits === 0) bits = this.#slab[at + ++word]!;
    return word * 32 + 31 - Math.clz32(bits & -bits);
  }

  /** xa_destroy: the socket goes; it must have no token left. Its region is used again. */
  destroy(sock: number): void {
    const s = sock * SOCK_WORDS;
    if (s >= this.#socks.length || this.#socks[s + ROOM] === 0) return;
    if (this.#socks[s + USED] !== 0) throw new Error("destroy of a socket that has tokens");
    this.#free(this.#socks[s + AT]!, this.#socks[s + ROOM]!);
    this.#socks.fill(0, s, s + SOCK_WORDS);
  }

  #widen(s: number): void {
    const socks = this.#socks;
    const old = socks[s + ROOM]!;
    const from = socks[s + AT]!;
    const room = old === 0 ? MIN_TOKENS : old * 2;
    const at = this.#region(room);
    const slab = this.#slab;
    if (old === 0) slab[at] = 1;
    else {
      slab.copyWithin(at, from, from + (old >>> 5));
      slab.copyWithin(at + (room >>> 5), from + (old >>> 5), from + (old >>> 5) + old);
      this.#free(from, old);
    }
    socks[s + AT] = at;
    socks[s + ROOM] = room;
  }

  /** A region with a cleared bitmap. */
  #region(room: number): number {
    const words = room + (room >>> 5);
    let at = this.#spare[31 - Math.clz32(room)]!.pop();
    if (at === undefined) {
      at = this.#end;
      this.#end += words;
      if (this.#end > this.#slab.length) {
        const wider = new Int32Array(2 ** Math.ceil(Math.log2(this.#end)));
        wider.set(this.#slab);
        this.#slab = wider;
      }
    }
    this.#slab.fill(0, at, at + (room >>> 5));
    return at;
  }

  #free(at: number, room: number): void {
    this.#spare[31 - Math.clz32(room)]!.push(at);
  }

  #growSocks(s: number): void {
    const wider = new Int32Array(2 ** (32 - Math.clz32(s)));
    wider.set(this.#socks);
    this.#socks = wider;
  }
}
