/**
 * The RSS hash (Microsoft, "RSS hashing types"): each set bit of the input xors in the 32 bits of
 * the key that start at that bit. Tables of 256 entries for each input byte turn it into one
 * lookup a byte.
 */

/** The key of the published verification suite, and netmem's own. */
export const RSS_KEY: readonly number[] = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
  0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
  0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

/** Input bytes that the longest tuple has: two IPv6 addresses and two ports. */
const INPUT_BYTES = 36;

/** See the head of this file. */
export class Toeplitz {
  /** `table[byte index * 256 + byte value]`. */
  readonly table: Int32Array;
  /** Address bytes 0 to 3 of both halves, then port bytes 0 and 1 of both ports. */
  readonly #folded = new Int32Array(6 * 256);

  constructor(key: readonly number[] = RSS_KEY) {
    this.table = new Int32Array(INPUT_BYTES * 256);
    for (let byte = 0; byte < INPUT_BYTES; byte++) {
      for (let bit = 0; bit < 8; bit++) {
        // The values whose highest set bit is this one: each is a smaller value and this bit.
        const own = 1 << bit;
        const window = keyWindow(key, byte * 8 + 7 - bit);
        for (let rest = 0; rest < own; rest++) {
          this.table[byte * 256 + own + rest] = this.table[byte * 256 + rest]! ^ window;
        }
      }
    }
    for (let i = 0; i < 6 * 256; i++) {
      const first = i < 1024 ? i : i + 1024;
      const second = i < 1024 ? i + 1024 : i + 1536;
      this.#folded[i] = this.table[first]! ^ this.table[second]!;
    }
  }

  /**
   * Hash of an IPv4 tuple under `xfrm symmetric-xor`: both addresses are `addrs`, both ports the
   * low half of `ports`. The two halves' tables are folded into one, so half the lookups do.
   */
  symmetric(addrs: number, ports: number): number {
    const t = this.#folded;
    return (
      t[addrs >>> 24]! ^
      t[256 + ((addrs >>> 16) & 255)]! ^
      t[512 + ((addrs >>> 8) & 255)]! ^
      t[768 + (addrs & 255)]! ^
      t[1024 + ((ports >>> 8) & 255)]! ^
      t[1280 + (ports & 255)]!
    );
  }

  /** Hash of 12 bytes given as three big-endian words: source, destination, both ports. */
  ipv4(saddr: number, daddr: number, ports: number): number {
    const t = this.table;
    return (
      t[saddr >>> 24]! ^
      t[256 + ((saddr >>> 16) & 255)]! ^
      t[512 + ((saddr >>> 8) & 255)]! ^
      t[768 + (saddr & 255)]! ^
      t[1024 + (daddr >>> 24)]! ^
      t[1280 + ((daddr >>> 16) & 255)]! ^
      t[1536 + ((daddr >>> 8) & 255)]! ^
      t[1792 + (daddr & 255)]! ^
      t[2048 + (ports >>> 24)]! ^
      t[2304 + ((ports >>> 16) & 255)]! ^
      t[2560 + ((ports >>> 8) & 255)]! ^
      t[2816 + (ports & 255)]!
    );
  }

  /** Hash of two addresses of `half` bytes at `addrs` (contiguous), and of ports unless 0. */
  bytes(view: DataView, addrs: number, length: number, ports: number): number {
    const t = this.table;
    let hash = 0;
    for (let i = 0; i < length; i++) hash ^= t[(i << 8) + view.getUint8(addrs + i)]!;
    if (ports === 0) return hash;
    const at = length << 8;
    return (
      hash ^
      t[at + (ports >>> 24)]! ^
      t[at + 256 + ((ports >>> 16) & 255)]! ^
      t[at + 512 + ((ports >>> 8) & 255)]! ^
      t[at + 768 + (ports & 255)]!
    );
  }
}

let tables: Toeplitz | undefined;

/** The tables of {@link RSS_KEY}, made once for all NICs: nothing changes them. */
export function rssTables(): Toeplitz {
  tables ??= new Toeplitz();
  return tables;
}

/** The 32 bits of the key that start at bit `at`. */
function keyWindow(key: readonly number[], at: number): number {
  let window = 0;
  for (let bit = 0; bit < 32; bit++) {
    const position = at + bit;
    const byte = key[position >> 3] ?? 0;
    window = (window << 1) | ((byte >> (7 - (position & 7))) & 1);
  }
  return window;
}
