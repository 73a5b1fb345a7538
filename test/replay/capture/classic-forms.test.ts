import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { openCapture } from "../../../src/replay/capture/open.js";
import { MAX_FRAME_BYTES } from "../../../src/replay/capture/reader.js";
import {
  encodeClassicPcap,
  pcapHeader,
  pcapRecord,
  writeClassicPcap,
} from "../../../src/replay/capture/writer.js";
import {
  frameOf,
  hashOf,
  readAll,
  readEveryWay,
  readPlainly,
  readStream,
  smallCapture,
  streamOf,
  temporaryFolder,
  testWindow,
} from "./helpers.js";

const put = temporaryFolder();

describe("classic captures", () => {
  test.each([
    { nano: true, bigEndian: false, magic: "4d3cb2a1", format: "pcap-ns" },
    { nano: true, bigEndian: true, magic: "a1b23c4d", format: "pcap-ns" },
    { nano: false, bigEndian: false, magic: "d4c3b2a1", format: "pcap" },
    { nano: false, bigEndian: true, magic: "a1b2c3d4", format: "pcap" },
  ])("magic $magic is $format", async ({ nano, bigEndian, magic, format }) => {
    const { bytes } = smallCapture(9, { nano, bigEndian });
    expect(Buffer.from(bytes.subarray(0, 4)).toString("hex")).toBe(magic);
    const { packets, facts } = await readEveryWay(put, bytes);
    expect(packets).toEqual(readPlainly(put("plain.pcap", bytes)));
    expect(packets.map((packet) => packet.nanoseconds)).toEqual(
      Array.from({ length: 9 }, (_, i) => i * 1_001_000),
    );
    expect(packets.map((packet) => packet.frame)).toEqual(
      Array.from({ length: 9 }, (_, i) => hashOf(frameOf(60 + 37 * i, i))),
    );
    expect(facts.format).toBe(format);
    expect(facts.durationNs).toBe(8_008_008_000n);
    expect(facts.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(facts.damage).toEqual([]);
  });

  test("the modified magic has 24 bytes of record header", async () => {
    const form = { linkType: 113, nano: false };
    const header = pcapHeader(form);
    new DataView(header.buffer).setUint32(0, 0xa1b2cd34, true);
    const parts: Uint8Array[] = [header];
    for (let i = 0; i < 5; i++) {
      const record = pcapRecord(form, { seconds: i, nanoseconds: 7000, frame: frameOf(50 + i, i) });
      parts.push(record.subarray(0, 16), frameOf(8, 99), record.subarray(16));
    }
    const { packets, facts } = await readEveryWay(put, Buffer.concat(parts));
    expect(packets.map((packet) => packet.frame)).toEqual(
      [0, 1, 2, 3, 4].map((i) => hashOf(frameOf(50 + i, i))),
    );
    expect(facts).toMatchObject({ format: "pcap", linkTypes: [113], damage: [] });
  });

  test("the link type is the low half of the network field", async () => {
    const { bytes } = smallCapture(2);
    new DataView(bytes.buffer).setUint32(20, 0x4400_0114, true);
    expect((await readEveryWay(put, bytes)).facts.linkTypes).toEqual([276]);
  });

  test("the snapshot length of the header is a hint, not a law", async () => {
    const { bytes } = smallCapture(6);
    for (const snaplen of [0, 70, 0xffff_ffff]) {
      new DataView(bytes.buffer).setUint32(16, snaplen, true);
      const { facts } = await readEveryWay(put, bytes);
      expect(facts).toMatchObject({ packets: 6, damage: [] });
    }
  });

  test("a header without packets is a capture without packets", async () => {
    const { facts } = await readEveryWay(put, pcapHeader({ linkType: 1 }));
    expect(facts).toMatchObject({ packets: 0, bytes: 0, durationNs: 0n, linkTypes: [1] });
    expect(facts.damage).toEqual([]);
  });

  test("timestamps: unsigned seconds, years apart, going back", async () => {
    const at = (seconds: number, nanoseconds: number) => ({
      seconds,
      nanoseconds,
      frame: frameOf(60, 1),
    });
    const times = [at(5, 999_999_999), at(0xffff_ffff, 1), at(4, 2)];
    const { packets, facts } = await readEveryWay(put, encodeClassicPcap({ linkType: 1 }, times));
    expect(packets.map((packet) => packet.seconds)).toEqual([5, 0xffff_ffff, 4]);
    expect(facts.durationNs).toBe(0xffff_ffffn * 1_000_000_000n + 1n - 4_000_000_002n);
    expect(facts.damage).toEqual([]);
  });

  test("a zero-length record is skipped and counted", async () => {
    const form = { linkType: 1 };
    const good = (i: number) =>
      pcapRecord(form, { seconds: 9, nanoseconds: i, frame: frameOf(60, i) });
    const none = new Uint8Array(0);
    const empty = pcapRecord(form, { seconds: 9, nanoseconds: 5, frame: none, wireBytes: 60 });
    const bytes = Buffer.concat([pcapHeader(form), good(1), empty, good(2), empty]);
    const { facts } = await readEveryWay(put, bytes);
    expect(facts).toMatchObject({ packets: 2, skipped: { "zero-length": 2 }, damage: [] });
  });

  test("frames of the largest size cross block and window ends", async () => {
    const frames = Array.from({ length: 9 }, (_, i) => ({
      seconds: i,
      nanoseconds: 0,
      frame: frameOf(MAX_FRAME_BYTES - (i % 2), i),
    }));
    const path = put("large.pcap", encodeClassicPcap({ linkType: 1 }, frames));
    const expected = readPlainly(path);
    expect((await readAll(path)).packets).toEqual(expected);
    expect((await readAll(path, { reader: "pcap-parser" })).packets).toEqual(expected);
    expect((await readStream(readFileSync(path))).packets).toEqual(expected);
  });

  test("every block size gives the same packets", async () => {
    const { bytes } = smallCapture(12);
    const path = put("blocks.pcap", bytes);
    const expected = await readAll(path);
    for (let blockBytes = 1; blockBytes <= 130; blockBytes++) {
      expect(await readAll(path, { blockBytes }, 5)).toEqual(expected);
    }
  });

  test("a limit ends the reading, not the hash of a file", async () => {
    const { bytes } = smallCapture(40);
    const path = put("limit.pcap", bytes);
    const whole = await readAll(path);
    for (const reader of ["block", "pcap-parser"] as const) {
      for (const limit of [0, 1, 7, 39, 40, 41]) {
        const { packets, facts } = await readAll(path, { reader, limit, blockBytes: 500 }, 4);
        expect(packets).toEqual(whole.packets.slice(0, limit));
        expect(facts.packets).toBe(Math.min(limit, 40));
        expect(facts.sha256).toBe(whole.facts.sha256);
      }
    }
    const piped = await readStream(bytes, 100, { limit: 3 });
    expect(piped.packets).toEqual(whole.packets.slice(0, 3));
    expect(piped.facts.sha256).not.toBe(whole.facts.sha256);
  });
});

describe("the writer", () => {
  test("to a path and to a descriptor it writes what it encodes", () => {
    const packets = Array.from({ length: 3000 }, (_, i) => ({
      seconds: i,
      nanoseconds: 999_999_999 - i,
      frame: frameOf(1000 + (i % 7), i),
    }));
    const form = { linkType: 1, nano: false, bigEndian: true };
    const path = put("written.pcap", new Uint8Array(0));
    writeClassicPcap(path, form, packets);
    const expected = encodeClassicPcap(form, packets);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
    const fd = openSync(path, "w");
    writeClassicPcap(fd, form, packets);
    closeSync(fd);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
  });
});

describe("the reader's contract", () => {
  test("a plain file never makes anyone wait; facts come last; closing is safe", async () => {
    const path = put("contract.pcap", smallCapture(3).bytes);
    const reader = await openCapture(path, testWindow(), { reader: "block" });
    const batch = new PacketBatch(2);
    expect(() => reader.facts()).toThrow("before the capture was read");
    expect([reader.next(batch), batch.count]).toEqual([true, 2]);
    expect([reader.next(batch), batch.count]).toEqual([true, 1]);
    expect([reader.next(batch), batch.count]).toEqual([false, 0]);
    expect(reader.next(batch)).toBe(false);
    expect(reader.facts().packets).toBe(3);
    reader.close();
    reader.close();
    expect(reader.next(batch)).toBe(false);
  });

  test("closing in the middle ends the reading", async () => {
    const stdin = streamOf(smallCapture(30).bytes, 100);
    const reader = await openCapture("-", testWindow(), { reader: "block", stdin });
    const batch = new PacketBatch(2);
    expect(await reader.next(batch)).toBe(true);
    reader.close();
    expect(await reader.next(batch)).toBe(false);
    expect(stdin.destroyed).toBe(true);
  });

  test("a window that is too small is the caller's mistake", async () => {
    const path = put("window.pcap", smallCapture(3).bytes);
    const window = { bytes: new Uint8Array(4096), start: 0, size: 4096 };
    await expect(openCapture(path, window, { reader: "block" })).rejects.toThrow("a read window");
  });
});
