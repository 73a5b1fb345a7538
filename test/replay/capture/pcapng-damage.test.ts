import { describe, expect, test } from "vitest";
import { frameOf, readAll, readEveryWay, temporaryFolder } from "./helpers.js";
import { PcapngBuilder } from "./pcapng-builder.js";

const put = temporaryFolder();

/** Section, interface and ten packets; `starts` holds where the packets' blocks start and end. */
function sound(littleEndian = true): { bytes: Uint8Array; starts: number[] } {
  const file = new PcapngBuilder(littleEndian).section().interface(1);
  const starts: number[] = [];
  for (let i = 0; i < 10; i++) {
    starts.push(file.length);
    file.enhanced(0, 1_700_000_000_000_000n + BigInt(i), frameOf(60 + 5 * i, i));
  }
  return { bytes: file.bytes, starts: [...starts, file.length] };
}

const { bytes: whole, starts } = sound();

/** The sound capture with a 32-bit field of packet block `n` overwritten. */
function withField(n: number, field: number, value: number, base = whole): Uint8Array {
  const bytes = base.slice();
  const at = field < 0 ? starts[n + 1]! + field : starts[n]! + field;
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

const LENGTH = 4;
const INTERFACE = 8;
const CAPLEN = 20;
const LEN = 24;
const CLOSING_LENGTH = -4;

describe("a cut pcapng file", () => {
  test.each([true, false])("gives exactly the whole packets (little-endian %s)", async (little) => {
    const file = sound(little);
    const { packets } = await readAll(put("whole.pcapng", file.bytes));
    for (let length = 28; length < file.bytes.length; length++) {
      const { bytes } = { bytes: file.bytes.subarray(0, length) };
      const read = await readAll(put("cut.pcapng", bytes));
      const count = Math.max(0, file.starts.filter((start) => start <= length).length - 1);
      expect(read.packets).toEqual(packets.slice(0, count));
      const offset = length < file.starts[0]! ? 28 : file.starts[count]!;
      const damage = offset === length ? [] : [{ offset, reason: "cut-record" }];
      expect(read.facts.damage).toEqual(damage);
    }
  });
});

describe("a lying block length", () => {
  test.each([0, 4, 8, 30, 33, 524_292, 0x7fff_fffc, 0xffff_fff0])(
    "of %i costs its own block only",
    async (length) => {
      const { packets, facts } = await readEveryWay(put, withField(4, LENGTH, length));
      expect(packets).toHaveLength(9);
      expect(facts.damage).toEqual([{ offset: starts[4], reason: "bad-block-length" }]);
    },
  );

  test("that leads to another block, or beyond the end, costs its own block only", async () => {
    const two = starts[6]! - starts[4]!;
    for (const [length, reason] of [
      [two - 4, "block-length-mismatch"],
      [100_000, "bad-block-length"],
    ] as const) {
      const { facts } = await readEveryWay(put, withField(4, LENGTH, length));
      expect(facts).toMatchObject({ packets: 9, damage: [{ offset: starts[4], reason }] });
    }
  });

  test("at the block's end costs that block", async () => {
    const { facts } = await readEveryWay(put, withField(4, CLOSING_LENGTH, 12));
    const damage = [{ offset: starts[4], reason: "block-length-mismatch" }];
    expect(facts).toMatchObject({ packets: 9, damage });
  });

  test("of the last block ends the capture", async () => {
    const { facts } = await readEveryWay(put, withField(9, LENGTH, 7));
    const damage = [{ offset: starts[9], reason: "bad-block-length" }];
    expect(facts).toMatchObject({ packets: 9, damage });
  });
});

describe("a lying packet block", () => {
  test("with more captured bytes than it holds is refused", async () => {
    for (const captured of [200, 262_145, 0xffff_ffff]) {
      const { facts } = await readEveryWay(put, withField(4, CAPLEN, captured));
      expect(facts).toMatchObject({ packets: 9, skipped: { "bad-record-length": 1 } });
      expect(facts.damage).toEqual([{ offset: starts[4], reason: "bad-record-length" }]);
    }
  });

  test("of an interface that is not there is refused", async () => {
    const { facts } = await readEveryWay(put, withField(4, INTERFACE, 1));
    expect(facts).toMatchObject({ packets: 9, skipped: { "unknown-interface": 1 } });
    expect(facts.damage).toEqual([{ offset: starts[4], reason: "unknown-interface" }]);
  });

  test("with fewer bytes on the wire than captured is kept", async () => {
    const { packets, facts } = await readEveryWay(put, withField(4, LEN, 3));
    expect(packets[4]).toMatchObject({ captured: 80, wire: 80 });
    expect(facts.damage).toEqual([{ offset: starts[4], reason: "bad-wire-length" }]);
  });

  test("without a byte is skipped and counted", async () => {
    const { facts } = await readEveryWay(put, withField(4, CAPLEN, 0));
    expect(facts).toMatchObject({ packets: 9, skipped: { "zero-length": 1 }, damage: [] });
  });
});

describe("garbage between pcapng blocks", () => {
  test.each([1, 3, 4, 8, 12, 100, 5000])("%i bytes are stepped over", async (length) => {
    for (const garbage of [new Uint8Array(length), frameOf(length, 4711)]) {
      const at = starts[4]!;
      const bytes = Buffer.concat([whole.subarray(0, at), garbage, whole.subarray(at)]);
      const { facts } = await readEveryWay(put, bytes);
      expect(facts.packets).toBe(10);
      expect(facts.damage).toHaveLength(1);
      expect(facts.damage[0]!.offset).toBe(at);
    }
  });

  test("ends the capture where no block follows within half a mebibyte", async () => {
    const at = starts[4]!;
    const bytes = Buffer.concat([whole.subarray(0, at), new Uint8Array(6e5), whole.subarray(at)]);
    const { facts } = await readAll(put("far.pcapng", bytes));
    expect(facts).toMatchObject({ packets: 4, damage: [{ offset: at, reason: "garbage" }] });
  });

  test("in front of a section of the other byte order", async () => {
    const bytes = Buffer.concat([whole, frameOf(77, 3), sound(false).bytes]);
    const { facts } = await readEveryWay(put, bytes);
    expect(facts).toMatchObject({ packets: 20, damage: [{ offset: whole.length }] });
  });
});

describe("a damaged description", () => {
  test("of a section that follows ends its predecessor's say", async () => {
    const second = sound(false).bytes.slice();
    second.set([9, 9], 12);
    const { facts } = await readEveryWay(put, Buffer.concat([whole, second]));
    expect(facts.damage[0]).toEqual({ offset: whole.length, reason: "bad-section-header" });
    expect(facts.packets).toBe(10);
  });

  test("of an interface is noted, and what was read of it holds", async () => {
    const file = new PcapngBuilder().section();
    const options = Buffer.concat([file.tsresol(9), Uint8Array.of(2, 0, 0xff, 0, 1, 1, 1, 1)]);
    file.interface(1, options).enhanced(0, 7_000_000_005n, frameOf(60, 1));
    const { packets, facts } = await readEveryWay(put, file.bytes);
    expect(packets).toMatchObject([{ seconds: 7, nanoseconds: 5 }]);
    expect(facts.damage).toEqual([{ offset: 28, reason: "bad-interface-option" }]);
  });

  test("a large block whose two lengths differ is noted", async () => {
    const file = new PcapngBuilder().section().interface(1);
    const from = file.length;
    file.block(0xbad, new Uint8Array(3_000_000)).enhanced(0, 1n, frameOf(60, 1));
    const bytes = file.bytes;
    bytes[from + 3_000_008] = 1;
    const { facts } = await readAll(put("mismatch.pcapng", bytes));
    const damage = [{ offset: from, reason: "block-length-mismatch" }];
    expect(facts).toMatchObject({ packets: 1, damage });
    const cut = await readAll(put("cut.pcapng", bytes.subarray(0, 2_000_000)));
    expect(cut.facts.damage).toEqual([{ offset: from, reason: "cut-record" }]);
  });
});

describe("noise in pcapng", () => {
  test("in any one byte never throws, and all block sizes agree", async () => {
    for (let at = 28; at < whole.length; at += 7) {
      const bytes = whole.slice();
      bytes[at] = bytes[at]! ^ (1 << (at % 8));
      const path = put("noise.pcapng", bytes);
      const block = await readAll(path);
      expect(await readAll(path, { blockBytes: 61 }, 3)).toEqual(block);
      const before = Math.max(0, starts.filter((start) => start <= at).length - 1);
      expect(block.facts.packets).toBeGreaterThanOrEqual(before);
    }
  });
});
