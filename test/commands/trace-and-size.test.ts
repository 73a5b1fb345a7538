import { fileURLToPath } from "node:url";
import { captureOutput } from "@oclif/test";
import { afterEach, describe, expect, it } from "vitest";
import Size from "../../src/commands/size.js";
import Trace from "../../src/commands/trace.js";
import type { SizeDocument } from "../../src/replay/record/size.js";
import type { TraceDocument } from "../../src/replay/record/trace.js";

const CAPTURE = fileURLToPath(new URL("../../fixtures/kernel/loss_reorder.pcap", import.meta.url));
const SMALL = ["--area", "256KiB", "--ring", "32", "--queues", "1"];

afterEach(() => {
  process.exitCode = undefined;
});

/** A command's own `run`, as oclif calls it. */
interface Runs {
  run(argv: string[], options: string): Promise<unknown>;
}

async function run(command: Runs, ...argv: string[]) {
  const args = [CAPTURE, ...SMALL, ...argv];
  const { stdout, stderr } = await captureOutput(() => command.run(args, import.meta.url));
  return { stdout, stderr, exitCode: process.exitCode };
}

/** Lines of a table, without the one that reproduces it: a shell takes that as it is. */
function tableLines(stdout: string): string[] {
  return stdout.split("\n").filter((line) => !line.startsWith("netmem "));
}

describe("the trace command", () => {
  it("tells a packet's netmems in 80 columns, its arrival among their transitions", async () => {
    const { stdout, exitCode } = await run(Trace, "--packet", "20", "--hold", "1ms");
    expect(exitCode ?? 0).toBe(0);
    expect(stdout).toMatch(/packet 20 of \d+ bytes arrived at 2\.\d{9} s on queue 0/);
    expect(stdout).toMatch(/NAPI \d +T4 +\w+ +\d+>\d+ +0>1/);
    expect(stdout).toMatch(/NIC +packet 20/);
    for (const line of tableLines(stdout)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("prints one document under --json", async () => {
    const { stdout } = await run(Trace, "--netmem", "3", "--last", "2", "--json");
    const document = JSON.parse(stdout) as TraceDocument;
    expect(document).toMatchObject({ schema: "netmem.trace/1", provider: "zcrx", packet: null });
    expect(document.lives[0]).toMatchObject({ netmem: 3, memory: "area" });
    expect(document.reproduce).toContain("netmem trace --netmem 3 --last 2 ");
  });

  it.each([
    [[], "trace follows one thing"],
    [["--packet", "2", "--leaked"], "trace follows one thing"],
    [["--netmem", "x"], '--netmem must be a whole number from 0 (got "x")'],
    [["--packet", "0"], "--packet must be a whole number from 1"],
    [["--netmem", "0", "--last", "70000"], "--last is at most 65536"],
    [["--leaked", "-p", "page,zcrx"], "trace looks at one provider"],
  ])("refuses %j", async (argv, message) => {
    const { stderr, exitCode } = await run(Trace, ...argv);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});

describe("the size command", () => {
  it("prints the answer, every replay and the curve in 80 columns", async () => {
    const { stdout, exitCode } = await run(Size, "--hold", "300ms");
    expect(exitCode ?? 0).toBe(0);
    expect(stdout).toMatch(/smallest without drops: ring 8 \(1 queue\), area 40 KiB = 10 netmems/);
    expect(stdout).toContain("packets dropped by area, ring 8");
    for (const line of tableLines(stdout)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("prints one document under --json, in which the answer is a point", async () => {
    const { stdout } = await run(Size, "--hold", "300ms", "--provider", "devmem", "--json");
    const { schema, provider, answer, points } = JSON.parse(stdout) as SizeDocument;
    expect({ schema, provider }).toEqual({ schema: "netmem.size/1", provider: "devmem" });
    expect(points).toContainEqual(expect.objectContaining({ ...answer, drops: 0 }));
  });
});
