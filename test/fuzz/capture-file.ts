import { gzipSync } from "node:zlib";
import type { Prng } from "../../src/engine/clock/prng.js";
import { PcapngBuilder } from "../replay/capture/pcapng-builder.js";
import type { Genome } from "./capture-mutators.js";
import { between, noise, oddNumber, oneIn, pick, spliced, viewOf } from "./packet.js";

/** Writes a capture in a form drawn at random, then damages the file itself now and then. */
export function encode(prng: Prng, genome: Genome): Uint8Array {
  const isNg = oneIn(prng, 3);
  let bytes = isNg ? pcapng(prng, genome) : classic(prng, genome);
  if (oneIn(prng, 4)) bytes = damage(prng, bytes, isNg);
  if (oneIn(prng, 50)) bytes = packed(prng, bytes);
  return bytes;
}

/** Any byte order, micro- or nanoseconds, now and then Kuznetzov's longer record headers. */
function classic(prng: Prng, { linkType, packets }: Genome): Uint8Array {
  const little = !oneIn(prng, 4);
  const nano = oneIn(prng, 2);
  const isLong = oneIn(prng, 20);
  const headerBytes = isLong ? 24 : 16;
  const total = packets.reduce((sum, { bytes }) => sum + headerBytes + bytes.length, 24);
  const file = new Uint8Array(total);
  const view = viewOf(file);
  view.setUint32(0, isLong ? 0xa1b2cd34 : nano ? 0xa1b23c4d : 0xa1b2c3d4, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, oneIn(prng, 10) ? oddNumber(prng) : 262_144, little);
  view.setUint32(20, linkType, little);
  let at = 24;
  for (const { seconds, nanoseconds, bytes, wireBytes, claimedBytes } of packets) {
    view.setUint32(at, seconds, little);
    const isOdd = nanoseconds >= 1e9;
    view.setUint32(at + 4, nano || isOdd ? nanoseconds : nanoseconds / 1000, little);
    view.setUint32(at + 8, claimedBytes ?? bytes.length, little);
    view.setUint32(at + 12, wireBytes, little);
    file.set(bytes, at + headerBytes);
    at += headerBytes + bytes.length;
  }
  return file;
}

/** Sections, interfaces and packet blocks of all kinds, unknown blocks and odd options between. */
function pcapng(prng: Prng, { linkType, packets }: Genome): Uint8Array {
  const made = new PcapngBuilder(!oneIn(prng, 4));
  const start = () => {
    made.section(oneIn(prng, 8) ? BigInt(oddNumber(prng)) : -1n);
    for (let n = 1 + prng.below(3); n > 0; n--) {
      const options = oneIn(prng, 3)
        ? made.tsresol(oneIn(prng, 2) ? 9 : prng.below(256))
        : oneIn(prng, 6)
          ? made.tsoffset(BigInt(oddNumber(prng)) * (oneIn(prng, 2) ? 1n : -1n))
          : oneIn(prng, 6)
            ? made.option(prng.below(20), noise(prng, prng.below(12)))
            : new Uint8Array(0);
      made.interface(linkType, options, oneIn(prng, 8) ? oddNumber(prng) : 0);
    }
  };
  start();
  for (const { seconds, nanoseconds, bytes, wireBytes, claimedBytes } of packets) {
    const stamp = BigInt(seconds) * 1_000_000n + BigInt(Math.floor(nanoseconds / 1000));
    const captured = Math.min(claimedBytes ?? bytes.length, 2 ** 32 - 1);
    const which = oneIn(prng, 12) ? prng.below(5) : 0;
    if (oneIn(prng, 10)) made.simple(bytes, wireBytes);
    else if (oneIn(prng, 12)) made.obsolete(which, stamp, bytes);
    else made.enhanced(which, stamp, bytes, { captured, len: wireBytes });
    if (oneIn(prng, 15)) made.block(oddNumber(prng), noise(prng, 4 * prng.below(12)));
    if (oneIn(prng, 40)) start();
  }
  return made.bytes;
}

/** Changes the file with no regard to what a byte means, or with regard to block lengths. */
function damage(prng: Prng, file: Uint8Array, isNg: boolean): Uint8Array {
  const at = prng.below(file.length + 1);
  switch (prng.below(isNg ? 8 : 6)) {
    case 0:
      return file.slice(0, at);
    case 1:
      return spliced(file, at, 0, noise(prng, between(prng, 1, 40)));
    case 2:
      return spliced(file, at, Math.min(between(prng, 1, 40), file.length - at), new Uint8Array(0));
    case 3:
      return spliced(file, at, 0, file.subarray(prng.below(at + 1), at));
    case 4:
      return spliced(file, at, 0, new Uint8Array(between(prng, 1, 300)));
    case 5: {
      const bytes = file.slice();
      for (let n = 1 + prng.below(6); n > 0; n--) bytes[prng.below(bytes.length)] = prng.below(256);
      return bytes;
    }
    default: {
      const bytes = file.slice();
      const words = bytes.length >> 2;
      viewOf(bytes).setUint32(4 * prng.below(words), oddNumber(prng), oneIn(prng, 2));
      return bytes;
    }
  }
}

/** gzip, whole, cut, damaged, or with something behind it. */
function packed(prng: Prng, file: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(gzipSync(file, { level: pick(prng, [0, 1]) }));
  if (oneIn(prng, 3)) return bytes.slice(0, prng.below(bytes.length + 1));
  if (oneIn(prng, 3)) bytes[prng.below(bytes.length)]! ^= 1 << prng.below(8);
  return oneIn(prng, 4) ? spliced(bytes, bytes.length, 0, noise(prng, prng.below(40))) : bytes;
}
