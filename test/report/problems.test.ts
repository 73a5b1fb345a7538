import { describe, expect, it } from "vitest";
import { OWNERS } from "../../src/replay/record/names.js";
import type { LeakRecord } from "../../src/replay/record/schema.js";
import { problemsOf } from "../../src/report/table/problems.js";
import { captureOf, recordOf, runOf, streamOf } from "./sample-record.js";

function leaked(count: number): LeakRecord {
  const none = Object.fromEntries(OWNERS.map((name) => [name, 0])) as LeakRecord["byOwner"];
  return {
    count,
    byOwner: { ...none, app: count },
    zombies: 1,
    netmems: [
      { netmem: 17, owner: "app", ageNs: 1_500_000, lastTransition: "D2", history: ["T1 at 0 ns"] },
    ],
  };
}

const texts = (...args: Parameters<typeof recordOf>) =>
  problemsOf(recordOf(...args)).map(({ text }) => text);

describe("the problems of a record", () => {
  it("are none when all is well, whatever the capture's own duplicates and UDP", () => {
    // TCP_OFO_DROP is data that had come already when the out-of-order queue was drained.
    const drops = { UNHANDLED_PROTO: 9, TCP_OLD_DATA: 3, NO_SOCKET: 2, TCP_OFO_DROP: 1 };
    expect(texts({ runs: [runOf("page", { drops }), runOf("zcrx", { drops })] })).toEqual([]);
  });

  it("come worst first", () => {
    const drops = { RX_HW_DROP_OVERRUNS: 12, PROTO_MEM: 5, TCP_OLD_DATA: 3 };
    const streams = [streamOf({ end: "hole", gaps: 1 })];
    const found = texts({
      runs: [
        runOf("page", { streams, drops }),
        runOf("zcrx", { leaks: leaked(2), streams, drops }),
      ],
      capture: captureOf({
        damage: [
          { offset: 123_456, reason: "cut-record" },
          { offset: 200_000, reason: "bad-record-length" },
        ],
        skipped: { "too-short": 1 },
        badChecksums: 17,
        clampedTimestamps: 1,
      }),
      warnings: [{ code: "mid-stream", message: "3 connections begin in mid-stream" }],
    });
    expect(found).toEqual([
      "zcrx: 2 netmems leaked (app 2)",
      "zcrx: 1 pool cannot be freed",
      "capture damaged at byte 123,456: cut-record and 1 place more",
      "page, zcrx: 12 packets dropped at the NIC (RX_HW_DROP_OVERRUNS 12)",
      "page, zcrx: 5 packets dropped for lack of socket memory (PROTO_MEM 5)",
      "page, zcrx: 1 stream stopped at a gap that never closed",
      "packets skipped: too-short 1",
      "3 connections begin in mid-stream",
    ]);
  });

  it("tell each leaked netmem's age, last transition and history", () => {
    const [leak] = problemsOf(recordOf({ runs: [runOf("devmem", { leaks: leaked(1) })] }));
    expect(leak).toMatchObject({
      weight: "bad",
      details: ["netmem 17: app, 1.5ms old, D2", "  T1 at 0 ns"],
    });
  });

  it("show that providers delivered different things", () => {
    expect(texts({ runs: [runOf("page"), runOf("zcrx", { deliveredBytes: 1_399_000 })] })).toEqual([
      "providers delivered different bytes: page 1,400,000 bytes, zcrx 1,399,000 bytes",
    ]);
    const other = [streamOf({ sha256: "ee".repeat(32) })];
    const runs = [runOf("page", { streams: [streamOf()] }), runOf("zcrx", { streams: other })];
    expect(texts({ runs })[0]).toContain("different streams");
  });
});
