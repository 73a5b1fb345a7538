import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, unlinkSync } from "node:fs";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { frameOf, readAll, readStream, smallCapture, temporaryFolder } from "./helpers.js";
import { PcapngBuilder } from "./pcapng-builder.js";

const put = temporaryFolder();

const { bytes: sound, starts } = smallCapture(40);

describe("a gzip-compressed capture", () => {
  test("is known by its first bytes; its hash is that of the stored file", async () => {
    const packed = gzipSync(sound);
    const { facts } = await readAll(put("no-suffix", packed));
    expect(facts).toMatchObject({ format: "pcap-ns.gz", packets: 40, damage: [] });
    expect(facts.sha256).toBe(createHash("sha256").update(packed).digest("hex"));
  });

  test("may have several members, and arrive byte by byte", async () => {
    const parts = [sound.subarray(0, 500), sound.subarray(500, 501), sound.subarray(501)];
    const packed = Buffer.concat(parts.map((part) => gzipSync(part)));
    for (const pieceBytes of [1, 7, 65_536]) {
      const { facts } = await readStream(packed, pieceBytes);
      expect(facts).toMatchObject({ format: "pcap-ns.gz", packets: 40, damage: [] });
    }
  });

  test("that is cut gives what was decoded, and says where it ends", async () => {
    const packed = gzipSync(sound);
    let most = 0;
    for (let length = 500; length < packed.length; length += 97) {
      const { packets, facts } = await readAll(put("cut.gz", packed.subarray(0, length)));
      expect(facts.damage.at(-1)!.reason).toBe("cut-gzip");
      expect(packets.length).toBeGreaterThanOrEqual(most);
      most = packets.length;
    }
    expect(most).toBeGreaterThan(30);
    // The trailer alone is missing: all packets are there, and still it is damage.
    const { facts } = await readAll(put("trailer.gz", packed.subarray(0, packed.length - 3)));
    expect(facts).toMatchObject({ packets: 40 });
    expect(facts.damage).toEqual([{ offset: sound.length, reason: "cut-gzip" }]);
  });

  test.each([
    ["a wrong sum", (packed: Buffer) => packed.fill(0, packed.length - 8, packed.length - 4)],
    ["a wrong length", (packed: Buffer) => packed.fill(9, packed.length - 4)],
    ["garbage behind it", (packed: Buffer) => Buffer.concat([packed, Buffer.from("garbage")])],
  ])("with %s gives all that was decoded, and is damaged", async (_, spoil) => {
    for (const capture of [sound, smallCapture(300).bytes]) {
      const { facts } = await readAll(put("sum.gz", spoil(gzipSync(capture))));
      expect(facts.packets).toBe(capture === sound ? 40 : 300);
      expect(facts.damage).toEqual([{ offset: capture.length, reason: "bad-gzip" }]);
    }
  });

  test("with every part that a header may have, and zeros behind it, is sound", async () => {
    const packed = gzipSync(sound);
    const parts = [...Buffer.from("\u0005\u0000extraname\u0000comment\u0000"), 0x12, 0x34];
    const header = Buffer.from([...packed.subarray(0, 3), 0x1e, ...packed.subarray(4, 10)]);
    const padding = Buffer.alloc(5000);
    const long = Buffer.concat([header, Buffer.from(parts), packed.subarray(10), padding]);
    const { facts } = await readAll(put("parts.gz", long));
    expect(facts).toMatchObject({ packets: 40, damage: [] });
  });

  test("that is corrupt gives what was decoded before", async () => {
    const large = smallCapture(2000).bytes;
    const packed = gzipSync(large, { level: 0 });
    // Stored blocks: a wrong block header in the last quarter.
    const spoilt = packed.slice();
    const at = 10 + 3 * 65_540;
    spoilt.fill(0xff, at, at + 8000);
    const { facts } = await readAll(put("corrupt.gz", spoilt));
    expect(facts.packets).toBeGreaterThan(50);
    expect(facts.damage.map((place) => place.reason)).toContain("bad-gzip");
  });

  test("that unpacks to gigabytes takes no gigabytes", async () => {
    // One record, then zeros: the reader gives up on them, and reads no further than it must.
    const bomb = gzipSync(Buffer.concat([sound.subarray(0, starts[1]), Buffer.alloc(150e6)]));
    expect(bomb.length).toBeLessThan(500_000);
    const path = put("bomb.gz", bomb);
    const before = process.memoryUsage().arrayBuffers;
    const { facts } = await readAll(path);
    expect(facts).toMatchObject({ packets: 1, damage: [{ reason: "garbage" }] });
    expect(facts.sha256).toBe(createHash("sha256").update(bomb).digest("hex"));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6);
  });

  test("that is long is never held whole", async () => {
    const file = new PcapngBuilder().section().interface(1).enhanced(0, 1n, frameOf(99, 1));
    const block = new PcapngBuilder().block(0xbad, new Uint8Array(15e6)).bytes;
    const parts = [gzipSync(file.bytes), ...Array.from({ length: 12 }, () => gzipSync(block))];
    const path = put("long.gz", Buffer.concat(parts));
    const before = process.memoryUsage().arrayBuffers;
    const { facts } = await readAll(path);
    expect(facts).toMatchObject({ format: "pcapng.gz", packets: 1, damage: [] });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6);
  });

  test("stops at its limit, and the file is hashed whole", async () => {
    const packed = gzipSync(sound);
    const { facts } = await readAll(put("limit.gz", packed), { limit: 3 });
    expect(facts.packets).toBe(3);
    expect(facts.sha256).toBe(createHash("sha256").update(packed).digest("hex"));
  });
});

describe("standard input", () => {
  test("that fails midway gives what came before", async () => {
    function* failing(): Generator<Buffer> {
      yield Buffer.from(sound.subarray(0, starts[5]! + 20));
      throw new Error("the cable was pulled");
    }
    const { facts } = await readAll("-", { stdin: Readable.from(failing()) });
    expect(facts).toMatchObject({ path: "-", packets: 5 });
    expect(facts.damage).toEqual([
      { offset: starts[5], reason: "cut-record" },
      { offset: starts[5]! + 20, reason: "read-error" },
    ]);
  });

  test("with empty chunks in it is read to its end", async () => {
    const chunks = [sound.subarray(0, 30), new Uint8Array(0), sound.subarray(30)];
    const stdin = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
    expect((await readAll("-", { stdin })).facts.packets).toBe(40);
  });

  test("may be a file", async () => {
    const stdin = createReadStream(put("stdin.pcap", sound));
    expect((await readAll("-", { stdin })).facts.packets).toBe(40);
  });
});

describe.skipIf(process.platform === "win32")("a named pipe", () => {
  test("is read as a stream", async () => {
    const source = put("pipe-source.pcap", sound);
    const pipe = put("pipe", new Uint8Array(0));
    unlinkSync(pipe);
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    expect(existsSync(pipe)).toBe(true);
    spawn("sh", ["-c", 'cat "$0" > "$1"', source, pipe]);
    expect((await readAll(pipe)).facts).toMatchObject({ packets: 40, damage: [] });
  });
});
