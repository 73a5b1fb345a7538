import { describe, expect, test } from "vitest";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { PcapngInterface } from "../../../src/replay/capture/pcapng-interface.js";
import fc from "../../support/property.js";
import { frameOf, hashOf, readAll, readEveryWay, temporaryFolder } from "./helpers.js";
import { PcapngBuilder } from "./pcapng-builder.js";

const put = temporaryFolder();

describe.each([
  ["little-endian", true],
  ["big-endian", false],
])("pcapng, %s", (_, littleEndian) => {
  test("enhanced, obsolete and simple packets, every length of padding", async () => {
    const file = new PcapngBuilder(littleEndian).section().interface(1).interface(101);
    const frames = Array.from({ length: 12 }, (_, i) => frameOf(40 + i, i));
    for (const [i, frame] of frames.entries()) {
      const stamp = 1_700_000_000_000_000n + BigInt(i);
      if (i % 3 === 0) {
        file.enhanced(1, stamp, frame, { len: frame.length + 5 });
      } else if (i % 3 === 1) {
        file.obsolete(0, stamp, frame);
      } else {
        file.simple(frame);
      }
    }
    const { packets, facts } = await readEveryWay(put, file.bytes);
    expect(packets).toEqual(
      frames.map((frame, i) => ({
        seconds: 1_700_000_000,
        nanoseconds: (i % 3 === 2 ? i - 1 : i) * 1000,
        captured: frame.length,
        wire: frame.length + (i % 3 === 0 ? 5 : 0),
        linkType: i % 3 === 0 ? 101 : 1,
        frame: hashOf(frame),
      })),
    );
    expect(facts).toMatchObject({ format: "pcapng", linkTypes: [101, 1], damage: [] });
  });

  test("a simple packet is cut to the snapshot length of interface 0", async () => {
    const file = new PcapngBuilder(littleEndian).section().interface(1, undefined, 33);
    file.simple(frameOf(33, 1), 1000).simple(frameOf(20, 2));
    const { packets } = await readEveryWay(put, file.bytes);
    expect(packets).toMatchObject([
      { seconds: 0, nanoseconds: 0, captured: 33, wire: 1000, frame: hashOf(frameOf(33, 1)) },
      { captured: 20, wire: 20, frame: hashOf(frameOf(20, 2)) },
    ]);
  });

  test("interfaces differ in resolution and offset", async () => {
    const file = new PcapngBuilder(littleEndian);
    const joined = Buffer.concat([
      file.option(2, Buffer.from("eth0")),
      file.tsresol(9),
      file.tsoffset(-3600n),
      file.option(0, new Uint8Array(0)),
    ]);
    file.section();
    file.interface(1, joined).interface(1, file.tsresol(0)).interface(1, file.tsresol(0x8a));
    file.interface(1, file.tsoffset(1_000_000_000n)).interface(1, file.tsresol(18));
    file.enhanced(0, 1_700_000_000_123_456_789n, frameOf(40, 0));
    file.enhanced(1, 1_700_000_000n, frameOf(40, 1));
    file.enhanced(2, 1_700_000_000n * 1024n + 513n, frameOf(40, 2));
    file.enhanced(3, 700_000_000_000_001n, frameOf(40, 3));
    file.enhanced(4, 18_446_744_073_709_551_615n, frameOf(40, 4));
    const { packets, facts } = await readEveryWay(put, file.bytes);
    expect(packets.map((packet) => [packet.seconds, packet.nanoseconds])).toEqual([
      [1_699_996_400, 123_456_789],
      [1_700_000_000, 0],
      [1_700_000_000, 500_976_562],
      [1_700_000_000, 1000],
      [18, 446_744_073],
    ]);
    expect(facts.damage).toEqual([]);
  });

  test("blocks that are not packets are skipped by their length", async () => {
    const file = new PcapngBuilder(littleEndian).section(-1n, frameOf(64, 3)).interface(1);
    for (const type of [4, 5, 7, 8, 9, 10, 0xbad, 0x8000_0001, 0xffff_ffff]) {
      file.block(type, frameOf((type % 13) * 4, type));
      file.enhanced(0, 1n, frameOf(60 + (type % 7), type), { options: frameOf(16, 4) });
    }
    const { facts } = await readEveryWay(put, file.bytes);
    expect(facts).toMatchObject({ packets: 9, damage: [], skipped: {} });
  });

  test("a block larger than the window is skipped too", async () => {
    const file = new PcapngBuilder(littleEndian).section().interface(1);
    file.enhanced(0, 1n, frameOf(60, 1)).block(0x0bad, new Uint8Array(5_000_000));
    file.enhanced(0, 2n, frameOf(60, 2));
    const path = put("large.pcapng", file.bytes);
    const block = await readAll(path);
    expect(block.facts).toMatchObject({ packets: 2, damage: [] });
    expect(await readAll(path, { blockBytes: 65_521 })).toEqual(block);
  });
});

describe("pcapng sections", () => {
  test("each has its own byte order, interfaces and length", async () => {
    const inner = new PcapngBuilder(false).interface(113).enhanced(0, 5_000_000n, frameOf(50, 2));
    const file = new PcapngBuilder(true).section().interface(0).interface(1);
    file.enhanced(1, 1_000_000n, frameOf(40, 1));
    file.raw(new PcapngBuilder(false).section(BigInt(inner.length)).bytes).raw(inner.bytes);
    file.section().interface(276).enhanced(0, 9_000_000n, frameOf(60, 3));
    const { packets, facts } = await readEveryWay(put, file.bytes);
    expect(packets.map((packet) => packet.frame)).toEqual(
      [1, 2, 3].map((i) => hashOf(frameOf(30 + 10 * i, i))),
    );
    expect(facts.linkTypes).toEqual([1, 113, 276]);
    expect(facts.durationNs).toBe(8_000_000_000n);
    expect(facts.damage).toEqual([]);
  });

  test("with nothing in them are a capture without packets", async () => {
    const { facts } = await readEveryWay(put, new PcapngBuilder().section().section().bytes);
    expect(facts).toMatchObject({ packets: 0, damage: [] });
  });
});

describe("if_tsresol", () => {
  test("any resolution and any timestamp come out exact to the nanosecond", () => {
    const batch = new PacketBatch(1);
    const resolution = fc.oneof(fc.nat({ max: 19 }), fc.integer({ min: 128, max: 128 + 63 }));
    const stamps = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(resolution, stamps, fc.boolean(), (value, stamp, littleEndian) => {
        const file = new PcapngBuilder(littleEndian);
        const block = file.interface(1, file.tsresol(value)).bytes;
        const view = new DataView(block.buffer);
        const from = new PcapngInterface(view, 0, block.length, littleEndian);
        from.stamp(Number(stamp >> 32n), Number(stamp & 0xffff_ffffn), batch, 0);
        const units = (value < 128 ? 10n : 2n) ** BigInt(value & 127);
        // Seconds beyond 2^53 are only as exact as a double.
        expect(batch.seconds[0]).toBe(Number(stamp / units));
        expect(batch.nanoseconds[0]).toBe(Number(((stamp % units) * 1_000_000_000n) / units));
      }),
      { numRuns: 5000, seed: 20_261_122 },
    );
  });
});
