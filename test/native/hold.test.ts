import { describe, expect, it } from "vitest";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const HOLD_NS = 20e6;
const CAPTURE = { frames: 40, segmentBytes: 60_000, flows: 2, seed: 4 };

describe.each(["kernel-tcp-mmap", "kernel-page-pool"])("%s --hold", (backend) => {
  it.runIf(runsHere(backend))("keeps every mapped page for that long, and gives all back", () => {
    const path = madeCapture(CAPTURE);
    const args = ["--backend", backend, "--loop", "2", "--streams"];
    const run = replayed(path, ...args, "--hold", "20ms");
    const { copies, left } = run.native!;
    expect(Number(copies.mappedBytes)).toBeGreaterThan(0);
    expect(Number(run.latency.hold!.count)).toBe(Number(copies.mappedBytes) / 4096);
    expect(Number(run.latency.hold!.min)).toBeGreaterThanOrEqual(HOLD_NS);
    expect(left).toEqual({ sockets: 0, mappedPages: 0, interfaces: 0 });
    const without = replayed(path, ...args);
    expect(Number(without.latency.hold!.p50)).toBeLessThan(HOLD_NS);
    expect(run.streams).toEqual(without.streams);
    expect(copies.mappedBytes).toEqual(without.native!.copies.mappedBytes);
  });
});

describe.runIf(runsHere("kernel-tcp-mmap"))("an application that holds all it can map", () => {
  it("reads on when pages go back, and misses nothing", () => {
    // Two streams of 24 MB each, and 16 MiB of window.
    const path = madeCapture({ ...CAPTURE, frames: 800 });
    const run = replayed(path, "--backend", "kernel-tcp-mmap", "--hold", "200ms", "--streams");
    expect(run.deliveredBytes).toBe(800 * 60_000);
    const { min, max } = run.latency.hold!;
    expect(Number(min)).toBeGreaterThanOrEqual(200e6);
    // Nothing is held longer than the run lasted and its holds took to run out.
    expect(Number(max)).toBeLessThan(Number(run.host!.elapsedNs) + 1e9);
    const plain = replayed(path, "--backend", "kernel-tcp-mmap", "--streams");
    expect(run.streams).toEqual(plain.streams);
  });
});

describe.runIf(runsHere("kernel-tcp"))("--hold where everything is copied", () => {
  it("is said to have no effect", () => {
    const args = ["--backend", "kernel-tcp", "--hold", "20ms", "--json", madeCapture(CAPTURE)];
    const { stdout } = runCli(["replay", ...args]);
    const { warnings, runs } = JSON.parse(stdout) as NetmemRecord;
    expect(warnings.map(({ code }) => code)).toContain("hold-without-effect");
    expect(runs[0]!.latency.hold!.count).toBe(0);
    expect(runs[0]!.native!.notes.some((note) => note.includes("--hold"))).toBe(true);
  });
});

describe.runIf(runsHere("af-xdp"))("--read-delay beyond the wait for holds", () => {
  it("delays what is read and loses nothing", () => {
    const path = madeCapture({ ...CAPTURE, segmentBytes: 1448 });
    const run = replayed(path, "--backend", "af-xdp", "--read-delay", "1500ms");
    expect(run.deliveredBytes).toBe(40 * 1448);
    expect(Number(run.latency.app!.min)).toBeGreaterThanOrEqual(1.4e9);
  });
});
