import type { Ledger } from "../ledger/ledger.js";
import type { NetmemReturn } from "../netmem/netmem-return.js";
import { D4, D5 } from "../netmem/state.js";
import type { PoolReturn } from "../provider/pool-face.js";
import { ERRNO } from "../provider/provider.js";
import type { UserFrags } from "./user-frags.js";

/** MAX_DONTNEED_TOKENS: ranges of one call. */
export const MAX_DONTNEED_TOKENS = 128;
/** MAX_DONTNEED_FRAGS: frags that one call looks at, found or not. */
export const MAX_DONTNEED_FRAGS = 1024;

/** sizeof(struct dmabuf_token). */
export const TOKEN_BYTES = 8;

/** Token ranges as the kernel reads them: a start and a count each. */
export interface TokenList {
  readonly starts: Uint32Array;
  readonly counts: Uint32Array;
  readonly length: number;
}

/** A list of token ranges, struct dmabuf_token[]: token_start, token_count. */
export class TokenRanges {
  readonly starts = new Uint32Array(MAX_DONTNEED_TOKENS);
  readonly counts = new Uint32Array(MAX_DONTNEED_TOKENS);
  length = 0;
  /** Tokens in all ranges. */
  tokens = 0;

  clear(): void {
    this.length = 0;
    this.tokens = 0;
  }

  /** Adds one token, to the last range if it follows it; false when no call could take it. */
  add(token: number): boolean {
    if (this.tokens === MAX_DONTNEED_FRAGS) return false;
    const last = this.length - 1;
    if (last >= 0 && this.starts[last]! + this.counts[last]! === token) this.counts[last]!++;
    else {
      if (this.length === MAX_DONTNEED_TOKENS) return false;
      this.starts[this.length] = token;
      this.counts[this.length++] = 1;
    }
    this.tokens++;
    return true;
  }
}

/**
 * SO_DEVMEM_DONTNEED (sock_devmem_dontneed): frees tokens of a socket in ascending order within
 * each range and returns how many. Tokens that are not in use are skipped silently; the call stops
 * after 1024 frags looked at. -EINVAL for more than 128 ranges. (The kernel drops the xarray's lock
 * after each 16; nothing can come between here.)
 */
export function dontneed(
  frags: UserFrags,
  ledger: Ledger,
  back: NetmemReturn,
  sock: number,
  ranges: TokenList,
  regress = "",
): number {
  // Before the fix of late 2024 nothing bounded the frags that are looked at (row F18).
  const most = regress === "F18" ? Number.POSITIVE_INFINITY : MAX_DONTNEED_FRAGS;
  if (ranges.length > MAX_DONTNEED_TOKENS) return -ERRNO.EINVAL;
  let looked = 0;
  let freed = 0;
  for (let i = 0; i < ranges.length; i++) {
    const start = ranges.starts[i]!;
    for (let k = 0; k < ranges.counts[i]!; k++) {
      if (++looked > most) return freed;
      freed += freeToken(frags, ledger, back, sock, start + k);
    }
  }
  return freed;
}

/** One token of sock_devmem_dontneed: 1 if it was in use and is free now, else 0. */
export function freeToken(
  frags: UserFrags,
  ledger: Ledger,
  back: NetmemReturn,
  sock: number,
  token: number,
): number {
  const netmem = frags.erase(sock, token);
  if (netmem < 0) return 0;
  if (ledger.userPut(netmem, 1, D4)) back.putUnrefed(netmem);
  return 1;
}

/**
 * The first half of sock_devmem_dontneed: bytes that the call allocates for its ranges, or -EINVAL
 * for an option length that is no whole number of ranges or more than 128 of them. Once the length
 * in bytes was taken for the number of ranges (row F19).
 */
export function dontneedRoom(optlen: number, regress = ""): number {
  const most = MAX_DONTNEED_TOKENS * TOKEN_BYTES;
  if (optlen % TOKEN_BYTES !== 0 || optlen > most) return -ERRNO.EINVAL;
  return (regress === "F19" ? optlen : optlen / TOKEN_BYTES) * TOKEN_BYTES;
}

/** tcp_release_user_frags (D5): socket destroy puts every token, lowest first; the xarray goes. */
export function releaseUserFrags(
  frags: UserFrags,
  ledger: Ledger,
  back: PoolReturn,
  sock: number,
): void {
  for (let token = frags.lowest(sock); token >= 0; token = frags.lowest(sock)) {
    const netmem = frags.erase(sock, token);
    if (ledger.userPut(netmem, 1, D5)) back.putBy(netmem, D5);
  }
  frags.destroy(sock);
}
