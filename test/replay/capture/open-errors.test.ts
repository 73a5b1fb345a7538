import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/replay/error.js";
import { NetmemError } from "../../../src/replay/error.js";
import { readAll, readStream, smallCapture, temporaryFolder } from "./helpers.js";
import { PcapngBuilder } from "./pcapng-builder.js";

const put = temporaryFolder();

async function refusal(reading: Promise<unknown>): Promise<NetmemError> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NetmemError);
  return error as NetmemError;
}

async function expectRefused(
  reading: Promise<unknown>,
  code: ErrorCode,
  ...says: string[]
): Promise<void> {
  const error = await refusal(reading);
  expect(error.code).toBe(code);
  expect(error.suggestion).not.toBe("");
  for (const said of says) {
    expect(error.message).toContain(said);
  }
}

const { bytes: sound } = smallCapture(3);
const pcapng = new PcapngBuilder().section(-1n, new Uint8Array(40)).interface(1).bytes;

describe("nothing usable", () => {
  test("no such file, a directory, a file for a folder", async () => {
    const path = put("there.pcap", sound);
    await expectRefused(readAll(`${path}.not`), "NETMEM_CAPTURE_MISSING", `${path}.not`);
    await expectRefused(readAll(`${path}/x`), "NETMEM_CAPTURE_MISSING", "no such file");
    await expectRefused(readAll(dirname(path)), "NETMEM_CAPTURE_UNREADABLE", "directory");
  });

  test("an empty capture, by every way", async () => {
    const none = new Uint8Array(0);
    const code = "NETMEM_CAPTURE_FORMAT";
    await expectRefused(readAll(put("empty.pcap", none)), code, "empty.pcap: byte 0", "empty");
    await expectRefused(readAll(put("empty.gz", gzipSync(none))), code, "empty");
    await expectRefused(readStream(none), code, "-: byte 0", "empty");
  });

  test("a header cut at any length", async () => {
    for (const [bytes, headerBytes] of [
      [sound, 24],
      [pcapng, 68],
    ] as const) {
      for (let length = 1; length < headerBytes; length++) {
        const cut = bytes.subarray(0, length);
        const says = [`byte ${length}`, "inside its header"];
        await expectRefused(readAll(put("cut", cut)), "NETMEM_CAPTURE_FORMAT", ...says);
        await expectRefused(readStream(cut), "NETMEM_CAPTURE_FORMAT", ...says);
      }
      expect((await readAll(put("bare", bytes.subarray(0, headerBytes)))).facts.packets).toBe(0);
    }
  });

  test("another format is named, with the way out of it", async () => {
    for (const [hex, says] of [
      ["fd377a585a00", "xz-compressed"],
      ["28b52ffd00", "zstd-compressed"],
      ["425a6839", "bzip2-compressed"],
      ["736e6f6f7000000000000002", "snoop"],
      ["7f454c4602010100", "unknown magic 7f454c46"],
    ] as const) {
      const reading = readAll(put("foreign", Buffer.from(hex, "hex")));
      await expectRefused(reading, "NETMEM_CAPTURE_FORMAT", "byte 0", says);
    }
  });

  test("another version", async () => {
    for (const [major, minor] of [
      [1, 4],
      [2, 2],
      [3, 4],
    ]) {
      const bytes = sound.slice();
      bytes.set([major!, 0, minor!, 0], 4);
      for (const reader of ["block", "pcap-parser"] as const) {
        const reading = readAll(put("version.pcap", bytes), { reader });
        await expectRefused(reading, "NETMEM_CAPTURE_FORMAT", `version ${major}.${minor}`);
      }
    }
    const next = pcapng.slice();
    next.set([2, 0], 12);
    await expectRefused(readAll(put("next", next)), "NETMEM_CAPTURE_FORMAT", "version 2.0");
    next.set([0, 0, 0, 0], 8);
    await expectRefused(readAll(put("order", next)), "NETMEM_CAPTURE_FORMAT", "byte-order magic");
  });

  test("gzip that is damaged at its start, or has gzip in it", async () => {
    const packed = gzipSync(sound);
    const code = "NETMEM_CAPTURE_FORMAT";
    await expectRefused(readAll(put("cut.gz", packed.subarray(0, 12))), code, "gzip stream");
    const spoilt = packed.slice();
    spoilt[2] = 9;
    await expectRefused(readAll(put("spoilt.gz", spoilt)), code, "gzip stream");
    await expectRefused(readAll(put("twice.gz", gzipSync(packed))), code, "gzip inside gzip");
  });
});

describe("pcap-parser on pcapng", () => {
  test("is a mistake of usage, by every way", async () => {
    const reader = "pcap-parser";
    await expectRefused(readAll(put("ng", pcapng), { reader }), "NETMEM_USAGE", "pcapng");
    const packed = put("ng.gz", gzipSync(pcapng));
    await expectRefused(readAll(packed, { reader }), "NETMEM_USAGE", "pcapng");
    await expectRefused(readStream(pcapng, 9, { reader }), "NETMEM_USAGE", "pcapng");
  });
});
