import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { recordSchema, suiteSchema } from "../../src/replay/record/schema.js";
import { interruptCli, ROOT, runCli, runShell } from "./run-cli.js";

const GOOD = "fixtures/edge/segment_lengths.pcap";
const OTHER = "fixtures/edge/seq_wrap.pcap";
const ESCAPE = "\u001b[";

/** A record without its host clock: what must be the same each time. */
function deterministic(stdout: string): unknown {
  const record = JSON.parse(stdout) as NetmemRecord;
  return { ...record, runs: record.runs.map(({ host: _, ...run }) => run) };
}

describe("standard output", () => {
  it("has no colour in a pipe unless forced, and never with NO_COLOR", () => {
    expect(runCli(["replay", GOOD]).stdout).not.toContain(ESCAPE);
    expect(runCli(["replay", GOOD], { env: { FORCE_COLOR: "1" } }).stdout).toContain(ESCAPE);
    const both = { NO_COLOR: "1", FORCE_COLOR: "1" };
    expect(runCli(["replay", GOOD], { env: both }).stdout).not.toContain(ESCAPE);
    expect(runCli(["replay", GOOD, "--json"], { env: { FORCE_COLOR: "1" } }).stdout).not.toContain(
      ESCAPE,
    );
  });

  it("may be closed early without a word", () => {
    for (const flags of ["", "--json --streams"]) {
      const line = `netmem replay ${GOOD} ${flags} | head -c 1 >/dev/null`;
      expect(runShell(line)).toEqual({ stdout: "", stderr: "", code: 0 });
    }
  });

  it("holds the same record each time, but for the host clock", () => {
    const args = ["replay", GOOD, "--streams", "--json"];
    const first = runCli(args);
    expect(deterministic(runCli(args).stdout)).toEqual(deterministic(first.stdout));
    expect(recordSchema.safeParse(JSON.parse(first.stdout)).error).toBeUndefined();
  });

  it("holds a suite for several captures", () => {
    const { stdout, code } = runCli(["replay", GOOD, OTHER, "--json"]);
    const suite = suiteSchema.parse(JSON.parse(stdout));
    expect(suite.records.map(({ capture }) => capture.path)).toEqual([GOOD, OTHER]);
    expect(code).toBe(0);
  });

  it("is empty when quiet and all is well", () => {
    expect(runCli(["replay", GOOD, "--quiet"])).toEqual({ stdout: "", stderr: "", code: 0 });
  });
});

describe("standard input", () => {
  it.each([
    ["plain", (bytes: Buffer) => bytes],
    ["gzip", (bytes: Buffer) => gzipSync(bytes)],
  ])("is a capture named -, %s", (_, pack) => {
    const input = pack(readFileSync(join(ROOT, GOOD)));
    const piped = runCli(["replay", "-", "--streams", "--json"], { input });
    const direct = runCli(["replay", GOOD, "--streams", "--json"]);
    const streams = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as NetmemRecord).runs.map((run) => run.streams);
    expect(streams(piped)).toEqual(streams(direct));
    expect(piped.code).toBe(0);
  });
});

describe("an export", () => {
  it("is the document that --json prints", () => {
    const folder = mkdtempSync(join(tmpdir(), "netmem-export-"));
    const file = join(folder, "record.json");
    const { stdout } = runCli(["replay", GOOD, "--json", "--export", `json=${file}`]);
    expect(readFileSync(file, "utf8")).toBe(stdout);
    rmSync(folder, { recursive: true });
  });
});

describe("an interrupt", () => {
  it("stops the run, prints what there is and leaves with 130", async () => {
    const args = ["replay", GOOD, "--loop", "1000000", "--json"];
    const { stdout, code } = await interruptCli(args, 1500);
    expect(code).toBe(130);
    expect(recordSchema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });
});
