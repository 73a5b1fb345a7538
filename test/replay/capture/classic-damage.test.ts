import { describe, expect, test } from "vitest";
import { MAX_DAMAGE } from "../../../src/replay/capture/damage.js";
import { encodeClassicPcap, pcapRecord } from "../../../src/replay/capture/writer.js";
import { frameOf, readAll, readEveryWay, smallCapture, temporaryFolder } from "./helpers.js";

const put = temporaryFolder();

const { bytes: sound, starts } = smallCapture(10);

/** The sound capture with a 32-bit field of record `n` overwritten. */
function withField(n: number, field: number, value: number): Uint8Array {
  const bytes = sound.slice();
  new DataView(bytes.buffer).setUint32(starts[n]! + field, value, true);
  return bytes;
}

/** The sound capture with `bytes` put in front of record `n`. */
function withGarbage(n: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([sound.subarray(0, starts[n]), bytes, sound.subarray(starts[n]!)]);
}

const CAPLEN = 8;
const LEN = 12;

describe("a cut file", () => {
  test("gives exactly the whole records, wherever it is cut", async () => {
    const { packets } = await readAll(put("whole.pcap", sound));
    for (let length = 24; length < sound.length; length++) {
      const path = put("cut.pcap", sound.subarray(0, length));
      const whole = starts.filter((start) => start <= length).length - 1;
      const offset = starts[whole]!;
      const damage = offset === length ? [] : [{ offset, reason: "cut-record" }];
      for (const reader of ["block", "pcap-parser"] as const) {
        const read = await readAll(path, { reader });
        expect(read.packets).toEqual(packets.slice(0, whole));
        expect(read.facts.damage).toEqual(damage);
      }
    }
  });

  test("by every way alike", async () => {
    const { facts } = await readEveryWay(put, sound.subarray(0, sound.length - 7));
    expect(facts).toMatchObject({
      packets: 9,
      damage: [{ offset: starts[9], reason: "cut-record" }],
    });
  });
});

describe("a lying length", () => {
  test.each([262_145, 0x7fff_ffff, 0xffff_fff0, 0x8000_0000])(
    "of %i bytes costs its own record only",
    async (caplen) => {
      const whole = (await readAll(put("whole.pcap", sound))).packets;
      for (const n of [0, 4, 6]) {
        const { packets, facts } = await readEveryWay(put, withField(n, CAPLEN, caplen));
        expect(packets).toEqual(whole.filter((_, i) => i !== n));
        expect(facts.damage).toEqual([{ offset: starts[n], reason: "garbage" }]);
      }
    },
  );

  test("above the wire length, with nothing sensible behind it, is not believed", async () => {
    const { packets, facts } = await readEveryWay(put, withField(4, CAPLEN, 1000));
    const whole = (await readAll(put("whole.pcap", sound))).packets;
    expect(packets).toEqual(whole.filter((_, i) => i !== 4));
    expect(facts.damage).toEqual([{ offset: starts[4], reason: "garbage" }]);
  });

  test("beyond the end, with records inside it, is not a cut", async () => {
    const bytes = withField(4, CAPLEN, 200_000);
    new DataView(bytes.buffer).setUint32(starts[4]! + LEN, 200_000, true);
    const { facts } = await readEveryWay(put, bytes);
    expect(facts).toMatchObject({
      packets: 9,
      damage: [{ offset: starts[4], reason: "bad-record-length" }],
    });
  });

  test("of the last record ends the capture there", async () => {
    const { facts } = await readEveryWay(put, withField(9, CAPLEN, 0xffff_ffff));
    expect(facts).toMatchObject({
      packets: 9,
      damage: [{ offset: starts[9], reason: "bad-record-length" }],
    });
  });

  test("on the wire, below the captured one, is raised to it", async () => {
    const { packets, facts } = await readEveryWay(put, withField(3, LEN, 1));
    expect(packets).toHaveLength(10);
    expect(packets[3]).toMatchObject({ captured: 171, wire: 171 });
    expect(facts.damage).toEqual([{ offset: starts[3], reason: "bad-wire-length" }]);
  });

  test("above the snapshot length is told from a record above it", async () => {
    const long = sound.slice();
    new DataView(long.buffer).setUint32(16, 80, true);
    expect((await readEveryWay(put, long)).facts).toMatchObject({ packets: 10, damage: [] });
    // Caplen and len alike, so that only the snapshot length gives it away.
    new DataView(long.buffer).setUint32(starts[2]! + CAPLEN, 300, true);
    new DataView(long.buffer).setUint32(starts[2]! + LEN, 300, true);
    expect((await readEveryWay(put, long)).facts).toMatchObject({
      packets: 9,
      damage: [{ offset: starts[2], reason: "garbage" }],
    });
  });
});

describe("garbage between records", () => {
  test.each([1, 2, 3, 4, 7, 8, 15, 16, 17, 100, 1000])(
    "%i bytes are stepped over",
    async (length) => {
      const whole = (await readAll(put("whole.pcap", sound))).packets;
      const fills = { noise: frameOf(length, 123_457), zeros: new Uint8Array(length) };
      for (const [name, garbage] of Object.entries(fills)) {
        for (const n of [1, 5, 8]) {
          const { packets, facts } = await readEveryWay(put, withGarbage(n, garbage));
          expect(packets, `${name} before ${n}`).toEqual(whole);
          // Garbage can look like a header whose length leads beyond the end.
          expect(facts.damage).toEqual([
            { offset: starts[n], reason: expect.stringMatching(/^(garbage|bad-record-length)$/) },
          ]);
        }
      }
    },
  );

  test("twice is noted twice", async () => {
    const once = withGarbage(7, frameOf(90, 5));
    const at = starts[2]!;
    const twice = Buffer.concat([once.subarray(0, at), frameOf(33, 8), once.subarray(at)]);
    const { facts } = await readEveryWay(put, twice);
    expect(facts.packets).toBe(10);
    expect(facts.damage).toEqual([
      { offset: starts[2], reason: "garbage" },
      { offset: starts[7]! + 33, reason: "garbage" },
    ]);
  });

  test("behind the last record, zeros or noise, ends the capture", async () => {
    for (const tail of [new Uint8Array(500), frameOf(500, 9).fill(0xee)]) {
      const { packets, facts } = await readEveryWay(put, Buffer.concat([sound, tail]));
      expect(packets).toHaveLength(10);
      expect(facts.damage).toEqual([
        { offset: sound.length, reason: tail[0] === 0 ? "garbage" : "bad-record-length" },
      ]);
    }
  });

  test("is searched through for half a mebibyte and no more", async () => {
    const near = await readAll(put("near.pcap", withGarbage(5, new Uint8Array(524_000))));
    expect(near.facts.packets).toBe(10);
    const far = await readAll(put("far.pcap", withGarbage(5, new Uint8Array(600_000))));
    expect(far.facts.packets).toBe(5);
    expect(far.facts.damage).toEqual([{ offset: starts[5], reason: "garbage" }]);
  });

  test("records of another time are no records", async () => {
    const packets = Array.from({ length: 4 }, (_, i) => ({
      seconds: 1_000_000_000 + i,
      nanoseconds: 0,
      frame: frameOf(80, i),
    }));
    const alien = encodeClassicPcap({ linkType: 1 }, packets).subarray(24);
    const bytes = Buffer.concat([sound, new Uint8Array(9).fill(0xff), alien]);
    expect((await readEveryWay(put, bytes)).facts.packets).toBe(10);
  });
});

describe("missing bytes", () => {
  test("end the capture, the record that lacks them included", async () => {
    const at = starts[6]! + 40;
    const bytes = Buffer.concat([sound.subarray(0, at), sound.subarray(at + 2)]);
    const { facts } = await readEveryWay(put, bytes);
    expect(facts.packets).toBe(7);
    expect(facts.damage).toEqual([{ offset: starts[7], reason: "bad-record-length" }]);
  });
});

describe("a fraction of a second or more", () => {
  test("is carried over and noted, in each unit", async () => {
    for (const [nano, unit] of [
      [true, 1_000_000_000],
      [false, 1_000_000],
    ] as const) {
      const { bytes } = smallCapture(10, { nano });
      new DataView(bytes.buffer).setUint32(starts[5]! + 4, 2 * unit + 7, true);
      const { packets, facts } = await readEveryWay(put, bytes);
      expect(packets).toHaveLength(10);
      expect(packets[5]).toMatchObject({
        seconds: 1_700_000_007,
        nanoseconds: nano ? 7 : 7000,
      });
      expect(facts.damage).toEqual([{ offset: starts[5], reason: "bad-timestamp" }]);
    }
  });

  test("in every record does not fill the memory", async () => {
    const form = { linkType: 1, nano: true };
    const packet = { seconds: 1, nanoseconds: 1_500_000_000, frame: frameOf(60, 1) };
    const record = pcapRecord(form, packet);
    const records = Array.from({ length: MAX_DAMAGE + 500 }, () => record);
    const bytes = Buffer.concat([encodeClassicPcap(form, []), ...records]);
    const { facts } = await readAll(put("many.pcap", bytes));
    expect(facts.packets).toBe(MAX_DAMAGE + 500);
    expect(facts.damage).toHaveLength(MAX_DAMAGE + 1);
    expect(facts.damage.at(-1)!.reason).toBe("more-damage");
  });
});

describe("noise", () => {
  test("in any one byte never throws, and all ways agree", async () => {
    for (let at = 24; at < sound.length; at += 13) {
      const bytes = sound.slice();
      bytes[at] = bytes[at]! ^ (1 << (at % 8));
      const block = await readAll(put("noise.pcap", bytes));
      const parsed = await readAll(put("noise.pcap", bytes), { reader: "pcap-parser" });
      expect(parsed).toEqual(block);
      expect(block.facts.packets).toBeGreaterThanOrEqual(
        starts.filter((start) => start <= at).length - 1,
      );
    }
  });
});
