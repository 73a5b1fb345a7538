import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { captureFiles, indexRow } from "../../support/captures.js";
import { readAll, readPlainly, readStream, temporaryFolder } from "./helpers.js";

const put = temporaryFolder();

const LINK_TYPES: Readonly<Record<string, number[]>> = {
  ether: [1],
  null: [0],
  rawip: [101],
  "linux-sll": [113],
  "linux-sll2": [276],
};

describe.each(captureFiles())("$name", ({ name, path }) => {
  const row = indexRow(name);
  const isClassic = row.format!.startsWith("pcap ");

  test("the block reader, its slow motion and the plain loop give the same packets", async () => {
    const plain = readPlainly(path);
    const { packets, facts } = await readAll(path);
    expect(packets).toEqual(plain);
    expect(facts.packets).toBe(Number(row.packets));
    expect(facts.bytes).toBe(Number(row.captured_bytes));
    expect(packets.reduce((sum, packet) => sum + packet.wire, 0)).toBe(Number(row.wire_bytes));
    expect(facts.sha256).toBe(row.sha256);
    expect(facts.linkTypes).toEqual(LINK_TYPES[row.link_type!] ?? [1, 0]);
    expect(facts.skipped).toEqual({});
    expect(facts.damage.map((place) => place.reason)).toEqual(
      name === "corrupt_record.pcap" ? ["bad-record-length"] : [],
    );
    const slow = await readAll(path, { blockBytes: 4099 }, 7);
    expect(slow).toEqual({ packets, facts });
  });

  test.runIf(isClassic)("pcap-parser gives the same packets and facts", async () => {
    expect(await readAll(path, { reader: "pcap-parser" })).toEqual(await readAll(path));
  });

  test("gzip and standard input give the same packets and facts", async () => {
    const block = await readAll(path);
    const stored = readFileSync(path);
    const gz = await readAll(put(`${name}.gz`, gzipSync(stored, { level: 1 })));
    expect(gz.packets).toEqual(block.packets);
    expect(gz.facts.format).toBe(`${block.facts.format}.gz`);
    expect(gz.facts.damage).toEqual(block.facts.damage);
    const piped = await readStream(stored);
    expect(piped.packets).toEqual(block.packets);
    expect(piped.facts).toEqual({ ...block.facts, path: "-" });
  });

  test("the duration is the one that capinfos gives", async () => {
    if (row.duration_s !== "-") {
      const [seconds, fraction = ""] = row.duration_s!.split(".");
      const ns = BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
      expect((await readAll(path)).facts.durationNs).toBe(ns);
    }
  });
});
