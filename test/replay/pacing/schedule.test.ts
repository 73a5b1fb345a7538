import { describe, expect, test } from "vitest";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { LOOP_GAP_NS, MAX_ARRIVAL_SECONDS, Schedule } from "../../../src/replay/pacing/schedule.js";
import type { Pacing } from "../../../src/replay/plan/replay-config.js";
import fc from "../../support/property.js";

type Time = readonly [seconds: number, nanoseconds: number];

const recorded = (multiplier = 1): Pacing => ({ mode: "recorded", multiplier });
const START = 1_700_000_000;

/** A batch with these capture times, all frames of so many bytes. */
function batchOf(times: readonly Time[], wireBytes = 125): PacketBatch {
  const batch = new PacketBatch(Math.max(1, times.length));
  batch.count = times.length;
  times.forEach(([seconds, nanoseconds], i) => {
    batch.seconds[i] = seconds;
    batch.nanoseconds[i] = nanoseconds;
    batch.wireBytes[i] = wireBytes;
  });
  return batch;
}

function applied(schedule: Schedule, times: readonly Time[], wireBytes = 125): Time[] {
  const batch = batchOf(times, wireBytes);
  schedule.apply(batch);
  return times.map((_, i) => [batch.seconds[i]!, batch.nanoseconds[i]!] as const);
}

const nanosecondsOf = ([seconds, ns]: Time) => BigInt(seconds) * 1_000_000_000n + BigInt(ns);

describe("recorded gaps", () => {
  test("are those of the capture, from 0 on, over batches too", () => {
    const schedule = new Schedule(recorded());
    expect(
      applied(schedule, [
        [START, 999_999_999],
        [START + 1, 0],
        [START + 2, 999_999_998],
      ]),
    ).toEqual([
      [0, 0],
      [0, 1],
      [1, 999_999_999],
    ]);
    expect(applied(schedule, [[START + 3, 999_999_999]])).toEqual([[3, 0]]);
    expect(schedule.clamped).toBe(0);
  });

  test("going back are clamped to the time before, and counted each", () => {
    const schedule = new Schedule(recorded());
    const times: Time[] = [
      [START, 500],
      [START, 400],
      [START, 450],
      [START, 500],
      [START - 100, 0],
      [START, 501],
    ];
    const ns = applied(schedule, times).map(nanosecondsOf);
    expect(ns).toEqual([0n, 0n, 0n, 0n, 0n, 1n]);
    expect(schedule.clamped).toBe(3);
  });

  test("are exact over centuries, to the nanosecond", () => {
    const century = 3_155_760_000;
    const times: Time[] = [
      [0, 1],
      [century, 0],
      [century, 2],
      [4_294_967_295, 999_999_999],
    ];
    expect(applied(new Schedule(recorded()), times).map(nanosecondsOf)).toEqual([
      0n,
      3_155_759_999_999_999_999n,
      3_155_760_000_000_000_001n,
      4_294_967_295_999_999_998n,
    ]);
  });

  test.each([2, 3, 10, 1000, 0.5, 0.25, 7.5])("%f times faster are exact too", (multiplier) => {
    const time = fc.tuple(fc.nat(4_000_000_000), fc.nat(999_999_999));
    // The multiplier as a fraction of whole numbers, for exact arithmetic.
    const [over, under] = [BigInt(multiplier * 4), 4n];
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 8 }), (some) => {
        const sorted = some.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        const schedule = new Schedule(recorded(multiplier));
        const first = nanosecondsOf(sorted[0]!);
        const got = applied(schedule, sorted).map(nanosecondsOf);
        sorted.forEach((each, i) => {
          const twice = (2n * (nanosecondsOf(each) - first) * under) / over;
          const off = 2n * got[i]! - twice;
          expect(off >= -2n && off <= 2n).toBe(true);
        });
        expect(schedule.clamped).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a steady rate", () => {
  const any: Time[] = Array.from({ length: 5 }, () => [START, 7] as const);

  test("of packets per second knows nothing of the capture's times", () => {
    const schedule = new Schedule({ mode: "pps", pps: 3 });
    expect(applied(schedule, any).map(nanosecondsOf)).toEqual([
      0n,
      333_333_333n,
      666_666_667n,
      1_000_000_000n,
      1_333_333_333n,
    ]);
    expect(schedule.clamped).toBe(0);
  });

  test("of megabits per second counts the bytes on the wire", () => {
    const schedule = new Schedule({ mode: "mbps", mbps: 8 });
    // 1,000,000 bytes a second: 125 bytes are 125 microseconds.
    const ns = applied(schedule, any, 125).map(nanosecondsOf);
    expect(ns).toEqual([0n, 125_000n, 250_000n, 375_000n, 500_000n]);
    expect(applied(schedule, any.slice(0, 2), 500).map(nanosecondsOf)).toEqual([
      625_000n,
      1_125_000n,
    ]);
  });

  test("does not drift over many packets", () => {
    const schedule = new Schedule({ mode: "pps", pps: 1_000_003 });
    let last: Time = [0, 0];
    for (let batch = 0; batch < 4000; batch++) {
      last = applied(
        schedule,
        Array.from({ length: 250 }, () => [0, 0] as const),
      ).at(-1)!;
    }
    // Packet 999,999 of 1,000,003 a second.
    expect(last).toEqual([0, Math.round((999_999 / 1_000_003) * 1e9)]);
  });
});

test("at top speed the receive path paces: all times are 0", () => {
  const schedule = new Schedule({ mode: "topspeed" });
  const times = applied(schedule, [
    [START, 5],
    [START + 9, 1],
  ]);
  expect(times).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

describe("another pass", () => {
  const times: Time[] = [
    [START, 100],
    [START + 2, 50],
  ];
  const IDLE = { seconds: 0, nanoseconds: 0 };

  test("begins a gap behind the last arrival, with the capture's gaps again", () => {
    const schedule = new Schedule(recorded());
    const first = applied(schedule, times).map(nanosecondsOf);
    schedule.nextPass(IDLE);
    const second = applied(schedule, times).map(nanosecondsOf);
    const begins = first[1]! + BigInt(LOOP_GAP_NS);
    expect(second).toEqual([begins, begins + first[1]!]);
    expect(schedule.clamped).toBe(0);
  });

  test("waits for the slowest path to be done with the one before", () => {
    const schedule = new Schedule(recorded());
    applied(schedule, times);
    schedule.nextPass({ seconds: 5, nanoseconds: 999_999_999.5 });
    const [first] = applied(schedule, times).map(nanosecondsOf);
    expect(first).toBe(6_000_000_000n + BigInt(LOOP_GAP_NS));
  });

  test.each<Pacing>([
    { mode: "pps", pps: 10 },
    { mode: "mbps", mbps: 0.01 },
  ])("keeps a steady rate within itself: %o", (pacing) => {
    const schedule = new Schedule(pacing);
    const first = applied(schedule, times).map(nanosecondsOf);
    schedule.nextPass(IDLE);
    const second = applied(schedule, times).map(nanosecondsOf);
    expect(second[1]! - second[0]!).toBe(first[1]! - first[0]!);
    expect(second[0]).toBe(first[1]! + BigInt(LOOP_GAP_NS));
  });
});

test("whatever the capture's times: arrivals never go back, and stay whole nanoseconds", () => {
  const time = fc.tuple(fc.nat(4_294_967_295), fc.nat(999_999_999));
  const pacing = fc.oneof(
    fc.constantFrom(1, 2, 0.001, 1e6, 0.3).map((multiplier) => recorded(multiplier)),
    fc.double({ min: 0.001, max: 1e9, noNaN: true }).map((pps): Pacing => ({ mode: "pps", pps })),
    fc
      .double({ min: 0.001, max: 1e6, noNaN: true })
      .map((mbps): Pacing => ({ mode: "mbps", mbps })),
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 20 }), pacing, (times, pace) => {
      const schedule = new Schedule(pace);
      let before = 0n;
      for (let pass = 0; pass < 2; pass++) {
        for (const each of applied(schedule, times)) {
          expect(Number.isInteger(each[0]) && Number.isInteger(each[1])).toBe(true);
          expect(each[1] >= 0 && each[1] < 1e9).toBe(true);
          const ns = nanosecondsOf(each);
          expect(ns >= before).toBe(true);
          before = ns;
        }
        schedule.nextPass({ seconds: 0, nanoseconds: 0 });
      }
    }),
    { numRuns: 300 },
  );
});

describe("an absurd rate", () => {
  test.each<Pacing>([
    { mode: "pps", pps: 1e-300 },
    { mode: "mbps", mbps: 1e-300 },
    recorded(1e-300),
    recorded(Number.MIN_VALUE),
  ])("%o stays within the clock", (pacing) => {
    const schedule = new Schedule(pacing);
    const times = applied(schedule, [
      [START, 1],
      [START - 5, 2],
      [START + 9, 3],
      [START + 9, 4],
    ]);
    for (const [seconds, ns] of times) {
      expect(seconds).toBeLessThanOrEqual(MAX_ARRIVAL_SECONDS);
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(ns).toBeGreaterThanOrEqual(0);
    }
    const ns = times.map(nanosecondsOf);
    expect(ns).toEqual(ns.toSorted((a, b) => (a < b ? -1 : 1)));
  });
});
