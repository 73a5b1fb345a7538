import { deflateSync } from "node:zlib";

/** Beyond this, zlib itself begins to cut the data into several blocks. */
const ONE_BLOCK_BYTES = 32_768;
/** The largest prime below 2^16 (RFC 1950, section 9). */
const ADLER = 65_521;

/**
 * Data as a zlib stream that compresses nothing (RFC 1950, with one stored block of RFC 1951), the
 * bytes that zlib makes at level 0. Each of a run's histograms is a few dozen bytes, and making
 * zlib ready for these would take fifty times as long.
 *
 *      78 01 | 01 length ~length | data | Adler-32
 */
export function storedZlib(data: Uint8Array): Uint8Array {
  const { length } = data;
  if (length > ONE_BLOCK_BYTES) return deflateSync(data, { level: 0 });
  const stream = Buffer.alloc(length + 11);
  stream.set([0x78, 0x01, 0x01]);
  stream.writeUInt16LE(length, 3);
  stream.writeUInt16LE(length ^ 0xffff, 5);
  stream.set(data, 7);
  let a = 1;
  let b = 0;
  for (let i = 0; i < length; i++) {
    a = (a + data[i]!) % ADLER;
    b = (b + a) % ADLER;
  }
  stream.writeUInt16BE(b, length + 7);
  stream.writeUInt16BE(a, length + 9);
  return stream;
}
