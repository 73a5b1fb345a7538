import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FAULT_KINDS } from "../../src/engine/fault/kinds.js";
import { ROOT, runCli, runShell } from "./run-cli.js";

const CAPTURE = join(ROOT, "fixtures/kernel/http4.pcap");
const DOC = join(ROOT, "docs/faults.md");
const BLOCK = /<!-- detection -->\n([\s\S]*)\n<!-- \/detection -->/;

const folder = mkdtempSync(join(tmpdir(), "netmem-fault-cli-"));
copyFileSync(CAPTURE, join(folder, "capture.pcap"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("netmem fault", () => {
  it.each(["list", "kinds", "show", "run"])("%s has examples that run", (command) => {
    const { stdout } = runCli(["fault", command, "--help"]);
    const section = stdout.slice(stdout.indexOf("EXAMPLES")).replace(/ \\\n\s*/g, " ");
    const examples = [...section.matchAll(/^\s*\$ (netmem .*)$/gm)].map((match) => match[1]!);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) {
      const { code, stderr } = runShell(`cd '${folder}' && ${example}`);
      expect({ example, code, stderr }).toEqual({ example, code: 0, stderr: "" });
    }
  });

  it("run all is clean, detects all, and fits 80 columns", () => {
    const { stdout, code } = runCli(["fault", "run", "all"]);
    expect(code).toBe(0);
    expect(stdout).toContain("40 rows: 40 clean");
    expect(stdout).toContain("40 detected with the bug put back");
    expect(stdout.match(/survive {2}found in \d+ steps/g)).toHaveLength(18);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("list, show and kinds fit 80 columns", () => {
    for (const words of [["list"], ["show", "F12"], ["show", "F31"], ["kinds"]]) {
      const { stdout } = runCli(["fault", ...words]);
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it("show names the race pair and its functions, and how to explore it", () => {
    const { stdout } = runCli(["fault", "show", "F1"]);
    expect(stdout).toMatch(/race +refill-scrub: io_zcrx_ring_refill, io_zcrx_scrub/);
    expect(stdout).toContain("netmem explore F1");
    expect(runCli(["fault", "show", "F12"]).stdout).not.toContain("explore");
  });

  it("kinds lists every kind", () => {
    const { stdout } = runCli(["fault", "kinds", "--json"]);
    const { kinds } = JSON.parse(stdout) as { kinds: Array<{ kind: string }> };
    expect(kinds.map(({ kind }) => kind)).toEqual(Object.keys(FAULT_KINDS));
  });

  it("run answers with one document on a capture", () => {
    const { stdout, code } = runCli(["fault", "run", "F17,F12", CAPTURE, "--json"]);
    const { faults, capture } = JSON.parse(stdout) as {
      faults: unknown[];
      capture: { packets: number };
    };
    expect(code).toBe(0);
    expect(capture.packets).toBe(27);
    expect(faults).toMatchObject([
      { id: "F17", clean: true, detected: true, exception: null, on: "capture" },
      { id: "F12", clean: true, detected: true, exception: null, on: "parts" },
    ]);
  });

  it.each([
    [["fault", "show", "F99"], "the catalogue has no row F99", 2],
    [["fault", "run", "F12", "nowhere.pcap"], "nowhere.pcap", 5],
    [["replay", CAPTURE, "--regress", "F41"], "--regress F41 must be one of F1", 2],
    [["replay", CAPTURE, "--fault", "hoader@3"], "write hoarder", 2],
  ])("%j is refused", (words, message, exit) => {
    const { stderr, code } = runCli(words as string[]);
    expect(stderr).toContain(message);
    expect(code).toBe(exit);
  });

  it("a broken invariant prints the history, writes the record and exits 7", () => {
    const words = ["--regress", "F29", "--fault", "link-down@12", "--leaks", "trace"];
    const small = ["--area", "1MiB", "-p", "page,devmem"];
    const file = join(folder, "record.json");
    const run = ["replay", CAPTURE, ...words, ...small, "--export", `json=${file}`];
    const { stdout, stderr, code } = runCli(run);
    expect(code).toBe(7);
    expect(stdout).toMatch(/! page, devmem: broken invariant 8|! devmem: broken invariant 8/);
    expect(stdout).toContain("T2 pool cache to driver -> DRV_RING");
    expect(stderr).toContain("devmem, after 11 packets: invariant 8");
    const { runs } = JSON.parse(readFileSync(file, "utf8")) as {
      runs: Array<{ violation: { invariant: string; history: string[] } }>;
    };
    for (const { violation } of runs) {
      expect(violation.invariant).toBe("8");
      expect(violation.history.length).toBeGreaterThan(2);
    }
  });

  it("docs/faults.md has the detection table as the command makes it", () => {
    const { stdout } = runCli(["fault", "run", "all", "--markdown"]);
    const text = readFileSync(DOC, "utf8");
    if (process.env.UPDATE_FAULTS === "1") {
      const block = `<!-- detection -->\n${stdout.trimEnd()}\n<!-- /detection -->`;
      writeFileSync(
        DOC,
        text.replace(BLOCK, () => block),
      );
      return;
    }
    expect(BLOCK.exec(text)![1]).toBe(stdout.trimEnd());
    // Forty rows, a blank line, eighteen races; two tables with two lines of head each.
    expect(stdout.trimEnd().split("\n")).toHaveLength(42 + 1 + 20);
  });
});
