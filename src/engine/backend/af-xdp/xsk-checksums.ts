import { tcpInit } from "../../driver/checksum.js";
import type { Arena } from "../../memory/arena.js";
import { SKF_BAD_CSUM, SKF_BAD_IP_CSUM } from "../../skb/skb-slab.js";
import type { Frame } from "../../wire/frame.js";
import { checksumsRight } from "../flows/checksum.js";
import { DESC_BYTES, type SharedRing } from "./rings.js";

const DESC_WORDS = DESC_BYTES / 4;

/** Where the pieces of frames lie. */
export interface XskMemory {
  readonly arena: Arena;
  readonly rx: SharedRing;
  /** Arena address of the UMEM. */
  readonly umemAt: number;
}

/**
 * SKF_ bits for the checksums of a TCP segment that are wrong, where all bytes are there. The frame
 * begins at `addr` and has the descriptors from position `at` to `end`.
 */
export function wrongChecksums(
  { arena, rx, umemAt }: XskMemory,
  frame: Frame,
  at: number,
  end: number,
  addr: number,
): number {
  const { l3, l4, payload, payloadLen } = frame;
  const v4 = frame.version === 4;
  let bad = 0;
  if (v4) {
    const words = (arena.view.getUint8(l3) & 15) << 2;
    if (arena.kernels.sum(l3, words, 0) !== 0xffff) bad = SKF_BAD_IP_CSUM;
  }
  if (frame.cutBytes > 0) return bad;
  if (((at + 1) | 0) === end) {
    return checksumsRight(arena.view, frame) ? bad : bad | SKF_BAD_CSUM;
  }
  let left = payload + payloadLen - l4;
  let sum = arena.kernels.sum(l3 + (v4 ? 12 : 8), v4 ? 8 : 32, tcpInit(left));
  let skip = l4 - addr;
  for (let next = at; next !== end && left > 0; next = (next + 1) | 0) {
    const word = rx.entriesAt + (next & rx.mask) * DESC_WORDS;
    const len = Math.min(rx.words[word + 2]! - skip, left);
    sum = arena.kernels.sum(umemAt + (rx.words[word]! >>> 0) + skip, len, sum);
    left -= len;
    skip = 0;
  }
  return sum === 0xffff ? bad : bad | SKF_BAD_CSUM;
}
