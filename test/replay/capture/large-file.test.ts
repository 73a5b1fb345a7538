import { createHash } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { longCapture } from "../../../bench/long-capture.js";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { openCapture } from "../../../src/replay/capture/open.js";
import { temporaryFolder, testWindow } from "./helpers.js";

const put = temporaryFolder();
const capture = Buffer.concat([...longCapture(36 << 20)]);
const sha256 = createHash("sha256").update(capture).digest("hex");

/** Reads at most `limit` packets; the facts. */
async function factsOf(path: string, limit?: number) {
  const reader = await openCapture(path, testWindow(), { reader: "block", limit });
  const batch = new PacketBatch(256);
  while (await reader.next(batch));
  reader.close();
  return reader.facts();
}

describe("a file that is hashed by a thread of its own", () => {
  let path = "";
  beforeAll(() => {
    path = put("large.pcap", capture);
  });

  test("has the SHA-256 of its bytes, read to the end or not", async () => {
    const whole = await factsOf(path);
    expect(whole.packets).toBeGreaterThan(20_000);
    expect(whole.sha256).toBe(sha256);
    expect(await factsOf(path, 1)).toMatchObject({ packets: 1, sha256 });
  });

  test("is hashed as stored: compressed, and with the damage at its end", async () => {
    // Stored blocks: as large as the capture.
    const stored = gzipSync(capture, { level: 0 });
    const packed = put("large.pcap.gz", stored);
    expect((await factsOf(packed)).sha256).toBe(createHash("sha256").update(stored).digest("hex"));
    const cut = put("cut.pcap", Buffer.alloc(0));
    writeFileSync(cut, capture);
    appendFileSync(cut, capture.subarray(24, 50));
    const facts = await factsOf(cut);
    const bytes = Buffer.concat([capture, capture.subarray(24, 50)]);
    expect(facts.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(facts.damage).toHaveLength(1);
  });

  test("has it when the reading ends in the middle, and may be closed at once", async () => {
    const reader = await openCapture(path, testWindow(), { reader: "block" });
    const batch = new PacketBatch(256);
    await reader.next(batch);
    expect(await reader.finish()).toMatchObject({ packets: 256, sha256 });
    expect(reader.facts().sha256).toBe(sha256);
    const other = await openCapture(path, testWindow(), { reader: "block" });
    other.close();
    other.close();
  });
});
