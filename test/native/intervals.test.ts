import { describe, expect, it } from "vitest";
import type { NetmemRecord, RunRecord } from "../../src/replay/record/schema.js";
import type { RealIntervalRecord } from "../../src/replay/record/series-schema.js";
import { runCli } from "../golden/run-cli.js";
import { NATIVE, runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const CAPTURE = { frames: 400, segmentBytes: 1448, flows: 4, seed: 9 };
/** 412 packets in some 200 ms. */
const PACE = ["--pps", "2000"];

function sum(rows: readonly RealIntervalRecord[], of: (row: RealIntervalRecord) => unknown) {
  return rows.reduce((total, row) => total + Number(of(row)), 0);
}

function requireWhole(run: RunRecord, intervalNs: number): readonly RealIntervalRecord[] {
  const rows = run.host!.intervals!;
  expect(run.intervals).toBeUndefined();
  expect(sum(rows, (row) => row.packets)).toBe(run.packets);
  expect(sum(rows, (row) => row.bytes)).toBe(run.bytes);
  expect(sum(rows, (row) => row.deliveredBytes)).toBe(run.deliveredBytes);
  expect(sum(rows, (row) => row.deliver.count)).toBe(run.latency.deliver.count);
  const starts = rows.map(({ startNs }) => Number(startNs));
  expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  for (const row of rows) {
    expect(row.clock).toBe("kernel");
    expect(Number(row.startNs) % intervalNs).toBe(0);
  }
  return rows;
}

describe.each(NATIVE)("%s --interval", (backend) => {
  const here = runsHere(backend);
  it.runIf(here)("cuts the run on the real clock; its intervals add up to it", () => {
    const path = madeCapture(CAPTURE);
    const run = replayed(path, "--backend", backend, "--interval", "20ms", ...PACE);
    const rows = requireWhole(run, 20e6);
    // 200 ms of arrivals; a busy machine only makes it longer.
    expect(rows.length).toBeGreaterThan(5);
    expect(Number(rows.at(-1)!.startNs)).toBeGreaterThanOrEqual(180e6);
    for (const row of rows) expect(Number(row.packets)).toBeLessThan(412);
  });

  it.runIf(here)("goes on over the passes of --loop", () => {
    const path = madeCapture(CAPTURE);
    const run = replayed(path, "--backend", backend, "--interval", "5ms", "--loop", "3");
    requireWhole(run, 5e6);
    expect(run.passes).toBe(3);
  });
});

describe.runIf(runsHere("af-xdp"))("owners of the UMEM's chunks", () => {
  it("are told at the end of each interval, a hold in those of the application", () => {
    const args = ["--backend", "af-xdp", "--interval", "20ms", "--hold", "60ms", ...PACE];
    const rows = replayed(madeCapture(CAPTURE), ...args).host!.intervals!;
    expect(Math.max(...rows.map(({ owners }) => Number(owners!.app)))).toBeGreaterThan(20);
    for (const { owners } of rows) expect(Number(owners!.driver)).toBeGreaterThan(0);
  });
});

describe.runIf(runsHere("kernel-tcp"))("a series of a real clock", () => {
  it("never stands beside one of model time, neither in the record nor in a line", () => {
    const args = ["--backend", "memory,kernel-tcp", "--provider", "zcrx", "--interval", "1ms"];
    const path = madeCapture(CAPTURE);
    const { stdout } = runCli(["replay", ...args, "--json", path]);
    const { runs } = JSON.parse(stdout) as NetmemRecord;
    const [model, kernel] = runs;
    expect(model!.intervals!.every(({ clock }) => clock === "model")).toBe(true);
    expect(model!.host!.intervals).toBeUndefined();
    requireWhole(kernel!, 1e6);
    const lines = runCli(["replay", ...args, "--export", "ndjson=-", path]).stdout.trimEnd();
    const rows = lines.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    const cut = rows.filter(({ type }) => type === "interval");
    const clocks = new Set(cut.map(({ backend, clock }) => `${backend} ${clock}`));
    expect(clocks).toEqual(new Set(["memory model", "kernel-tcp kernel"]));
    const told = rows.find(({ type, backend }) => type === "run" && backend === "kernel-tcp");
    expect((told as unknown as RunRecord).host!.intervals).toBeUndefined();
  });

  it("is refused where it is shorter than a piece of work", () => {
    const args = ["replay", "--backend", "kernel-tcp", "--interval", "100us"];
    const { code, stderr } = runCli([...args, madeCapture(CAPTURE)]);
    expect(code).toBe(2);
    expect(stderr).toContain("too short for the real clock of kernel-tcp");
  });
});
