import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, expect } from "vitest";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { type OpenOptions, openCapture } from "../../../src/replay/capture/open.js";
import {
  type CaptureFacts,
  MIN_WINDOW_BYTES,
  type ReadWindow,
} from "../../../src/replay/capture/reader.js";
import { encodeClassicPcap } from "../../../src/replay/capture/writer.js";

/** One packet as a test sees it: everything a batch says, the frame by its hash. */
export interface Seen {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly captured: number;
  readonly wire: number;
  readonly linkType: number;
  readonly frame: string;
}

/** What a reader gave: its packets and its facts. */
export interface Read {
  readonly packets: Seen[];
  readonly facts: CaptureFacts;
}

/** The window's place in the arena: not at its start, so that offsets are put to the test. */
const WINDOW_START = 4096;

const ARENA = new Uint8Array(WINDOW_START + MIN_WINDOW_BYTES + 64);

/** One window for all of a file's tests, so that what an earlier capture left behind can be met. */
export function testWindow(): ReadWindow {
  return { bytes: ARENA, start: WINDOW_START, size: MIN_WINDOW_BYTES };
}

export function hashOf(frame: Uint8Array): string {
  return createHash("md5").update(frame).digest("hex");
}

/** Reads a capture to its end and looks at every frame before the next batch is asked for. */
export async function readAll(
  path: string,
  options: Partial<OpenOptions> = {},
  batchCapacity = 256,
): Promise<Read> {
  const window = testWindow();
  const reader = await openCapture(path, window, { reader: "block", ...options });
  const batch = new PacketBatch(batchCapacity);
  const packets: Seen[] = [];
  try {
    while (await reader.next(batch)) {
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offset[i]!;
        const captured = batch.capturedBytes[i]!;
        if (at < window.start || at + captured > window.start + window.size) {
          throw new Error(`packet ${packets.length} lies outside of the window`);
        }
        packets.push({
          seconds: batch.seconds[i]!,
          nanoseconds: batch.nanoseconds[i]!,
          captured,
          wire: batch.wireBytes[i]!,
          linkType: batch.linkType[i]!,
          frame: hashOf(window.bytes.subarray(at, at + captured)),
        });
      }
    }
    return { packets, facts: reader.facts() };
  } finally {
    reader.close();
  }
}

/** Bytes as standard input, cut into pieces. */
export function streamOf(bytes: Uint8Array, pieceBytes = 65_536): Readable {
  function* pieces(): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield Buffer.from(bytes.subarray(at, at + pieceBytes));
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

export function readStream(
  bytes: Uint8Array,
  pieceBytes = 65_536,
  options: Partial<OpenOptions> = {},
): Promise<Read> {
  return readAll("-", { stdin: streamOf(bytes, pieceBytes), ...options });
}

/** Reads one capture by every way there is, holds them equal and answers with the first. */
export async function readEveryWay(
  put: (name: string, bytes: Uint8Array) => string,
  bytes: Uint8Array,
): Promise<Read> {
  const path = put("every.pcap", bytes);
  const block = await readAll(path);
  const { format, sha256, ...counted } = block.facts;
  const others = [
    await readAll(path, { blockBytes: 61 }, 3),
    await readAll(put("every.gz", gzipSync(bytes))),
    await readStream(bytes, 4099),
    await readStream(bytes, 1),
  ];
  if (format !== "pcapng") {
    others.push(await readAll(path, { reader: "pcap-parser" }));
    others.push(await readAll(path, { reader: "pcap-parser", blockBytes: 61 }, 3));
  }
  for (const { packets, facts } of others) {
    expect(packets).toEqual(block.packets);
    expect({ ...facts, path }).toMatchObject(counted);
    expect(facts.format.replace(".gz", "")).toBe(format);
    if (!facts.format.endsWith(".gz")) {
      expect(facts.sha256).toBe(sha256);
    }
  }
  return block;
}

/** A folder for this test file's captures, removed behind it. */
export function temporaryFolder(): (name: string, bytes: Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), "netmem-capture-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, bytes) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
}

/** A frame of `length` bytes that no other number gives. */
export function frameOf(length: number, number: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, number * 2 + 77) >>> 3) & 0xff);
}

/** A small sane capture: `count` packets of different lengths, a millisecond apart. */
export function smallCapture(
  count: number,
  form: { nano?: boolean; bigEndian?: boolean } = {},
): { bytes: Uint8Array; starts: number[] } {
  const packets = Array.from({ length: count }, (_, i) => ({
    seconds: 1_700_000_000 + i,
    nanoseconds: i * 1_001_000,
    frame: frameOf(60 + 37 * i, i),
    wireBytes: 60 + 37 * i + (i % 3),
  }));
  const starts: number[] = [];
  let at = 24;
  for (const { frame } of packets) {
    starts.push(at);
    at += 16 + frame.length;
  }
  return { bytes: encodeClassicPcap({ linkType: 1, ...form }, packets), starts: [...starts, at] };
}

/**
 * The third reader: a loop over a whole sound file in memory that shares nothing with the others.
 * It knows the classic format and the pcapng blocks that the shared captures contain.
 */
export function readPlainly(path: string): Seen[] {
  const file = readFileSync(path);
  const magic = file.readUInt32BE(0);
  return magic === 0x0a0d0d0a ? plainPcapng(file) : plainClassic(file, magic);
}

function plainClassic(file: Buffer, magic: number): Seen[] {
  const isLittle = magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1;
  const perUnit = magic === 0xa1b23c4d || magic === 0x4d3cb2a1 ? 1 : 1000;
  const u32 = (at: number) => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const seen: Seen[] = [];
  let at = 24;
  while (at + 16 <= file.length && at + 16 + u32(at + 8) <= file.length) {
    const captured = u32(at + 8);
    seen.push({
      seconds: u32(at),
      nanoseconds: u32(at + 4) * perUnit,
      captured,
      wire: u32(at + 12),
      linkType: u32(20),
      frame: hashOf(file.subarray(at + 16, at + 16 + captured)),
    });
    at += 16 + captured;
  }
  return seen;
}

function plainPcapng(file: Buffer): Seen[] {
  const seen: Seen[] = [];
  let linkTypes: number[] = [];
  let resolutions: number[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
    const type = file.readUInt32LE(at);
    if (type === 0x0a0d0d0a) {
      linkTypes = [];
      resolutions = [];
    } else if (type === 1) {
      linkTypes.push(file.readUInt16LE(at + 8));
      const options = file.subarray(at + 16, at + file.readUInt32LE(at + 4) - 4);
      const option = options.indexOf("\x09\0\x01\0");
      resolutions.push(option < 0 ? 6 : options[option + 4]!);
    } else if (type === 6) {
      const from = file.readUInt32LE(at + 8);
      const high = BigInt(file.readUInt32LE(at + 12));
      const ticks = (high << 32n) | BigInt(file.readUInt32LE(at + 16));
      const ns = ticks * 10n ** BigInt(9 - resolutions[from]!);
      const captured = file.readUInt32LE(at + 20);
      seen.push({
        seconds: Number(ns / 1_000_000_000n),
        nanoseconds: Number(ns % 1_000_000_000n),
        captured,
        wire: file.readUInt32LE(at + 24),
        linkType: linkTypes[from]!,
        frame: hashOf(file.subarray(at + 28, at + 28 + captured)),
      });
    }
  }
  return seen;
}
