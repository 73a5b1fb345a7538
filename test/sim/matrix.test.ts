import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetmemRecord, RunRecord } from "../../src/replay/record/schema.js";
import { replay } from "../support/replay.js";
import { type Traffic, traffic } from "./traffic.js";

const LOSS = [0, 2, 10] as const;
const REORDER = [0, 10, 40] as const;
const RCVBUF = ["8KiB", "64KiB", "1MiB"] as const;

interface Cell {
  readonly loss: number;
  readonly reorder: number;
  readonly rcvbuf: string;
  readonly sent: Traffic;
  readonly record: NetmemRecord;
}

const folder = mkdtempSync(join(tmpdir(), "netmem-sim-"));
const cells: Cell[] = [];

beforeAll(async () => {
  for (const loss of LOSS) {
    for (const reorder of REORDER) {
      const sent = traffic({ loss, reorder, seed: 1 + loss * 100 + reorder });
      const path = join(folder, `${loss}-${reorder}.pcap`);
      writeFileSync(path, sent.capture);
      for (const rcvbuf of RCVBUF) {
        const flags = { streams: true, rcvbuf, area: "4MiB", ring: "64", queues: "1" };
        const { record, exitCode } = await replay(path, flags);
        expect(exitCode).toBe(0);
        cells.push({ loss, reorder, rcvbuf, sent, record });
      }
    }
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

const streamOf = (run: RunRecord) => run.streams!.find((row) => row.sport === 40000)!;
const sum = (counts: Record<string, number | string>, pick: RegExp) =>
  Object.entries(counts).reduce((total, [name, n]) => total + (pick.test(name) ? Number(n) : 0), 0);

function row(cell: Cell, run: RunRecord): string {
  const { bytes, end } = streamOf(run);
  const cells = [
    `${cell.loss} %`,
    `${cell.reorder} %`,
    cell.rcvbuf,
    run.provider,
    cell.sent.late,
    `${Math.round((100 * Number(bytes)) / cell.sent.bytes)} %`,
    end,
    run.tcp.TCPOFOQueue ?? 0,
    run.tcp.PruneCalled ?? 0,
    sum(run.drops, /^(TCP_|PROTO_MEM)/),
    run.drops.RX_HW_DROP_OVERRUNS ?? 0,
    Number(run.copy.bytes) > 0 ? "all" : "none",
  ];
  return cells.map((text) => String(text).padStart(8)).join("");
}

const HEAD = "loss reorder rcvbuf provider late read end ofo prune drops nic copied"
  .split(" ")
  .map((word) => word.padStart(8))
  .join("");

describe("loss, reordering, receive buffer and provider", () => {
  test("make this table", () => {
    const rows = cells.flatMap((cell) => cell.record.runs.map((run) => row(cell, run)));
    expect(rows).toHaveLength(LOSS.length * REORDER.length * RCVBUF.length * 3);
    expect(`\n${[HEAD, ...rows].join("\n")}\n`).toMatchSnapshot();
  });

  test("providers deliver the same, and differ in copies alone", () => {
    for (const { record } of cells) {
      const [page, ...others] = record.runs;
      for (const run of others) {
        expect(run.streams).toEqual(page!.streams);
        expect(run.copy.bytes).toBe(0);
        expect(run.reference.bytes).toBe(page!.copy.bytes);
      }
      for (const run of record.runs) {
        expect(run.leaks).toMatchObject({ count: 0, zombies: 0 });
        expect(run.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
      }
    }
  });

  test("what TCP did not refuse is read whole, whatever the path did", () => {
    const whole = cells.filter(({ rcvbuf }) => rcvbuf === "1MiB");
    expect(whole).toHaveLength(LOSS.length * REORDER.length);
    for (const { sent, record } of whole) {
      for (const run of record.runs) {
        expect(sum(run.drops, /^(TCP_|PROTO_MEM)/)).toBe(0);
        expect(streamOf(run)).toMatchObject({
          bytes: sent.bytes,
          sha256: sent.sha256,
          gaps: 0,
          end: "fin",
        });
      }
    }
  });

  test("segments wait out of order only if some came late", () => {
    for (const { sent, record } of cells) {
      for (const { tcp } of record.runs) {
        expect(Number(tcp.TCPOFOQueue ?? 0) > 0).toBe(sent.late > 0);
      }
    }
  });

  test("a stream that lost what nobody sent again does not end as if it were whole", () => {
    const rows = cells.flatMap(({ sent, record }) =>
      record.runs.map((run) => ({ sent, row: streamOf(run) })),
    );
    expect(rows.some((each) => each.row.end === "hole")).toBe(true);
    for (const { sent, row } of rows) {
      expect(row.end === "fin").toBe(Number(row.bytes) === sent.bytes);
    }
  });

  test("the same seed makes the same traffic, another one other traffic", () => {
    const path = { loss: 10, reorder: 40, seed: 5 };
    const again = traffic(path);
    expect(Buffer.compare(again.capture, traffic(path).capture)).toBe(0);
    expect(Buffer.compare(again.capture, traffic({ ...path, seed: 6 }).capture)).not.toBe(0);
  });
});
