import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT, runCli } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-gate-"));
copyFileSync(join(ROOT, "fixtures/edge/segment_lengths.pcap"), join(folder, "capture.pcap"));
copyFileSync(join(ROOT, "fixtures/edge/cut_record.pcap"), join(folder, "cut.pcap"));
afterAll(() => rmSync(folder, { recursive: true }));

const netmem = (...args: string[]) => runCli(args, { cwd: folder });
const gate = (expression: string, ...args: string[]) =>
  netmem("gate", "capture.pcap", "--threshold", expression, ...args);

describe("the gate's exit code", () => {
  it("is 0 for a pass, with and without --json", () => {
    expect(gate("leak.netmems == 0").code).toBe(0);
    const { stdout, code } = gate("leak.netmems == 0", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ schema: "netmem.gate/1", outcome: "pass" });
    expect(code).toBe(0);
  });

  it("is 3 for a failure, the same under --json, with exports", () => {
    const { stdout, code } = gate("delivered.bytes == 1", "--json", "--export", "junit=gate.xml");
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "fail", counts: { fail: 3 } });
    expect(code).toBe(3);
    expect(readFileSync(join(folder, "gate.xml"), "utf8")).toContain("<failure");
  });

  it("is 6 for an inconclusive one where asked to fail, else 0", () => {
    const args = ["--repetitions", "2", "--provider", "page"];
    expect(gate("host.ns_per_packet <= 1us", ...args).code).toBe(0);
    const failing = gate("host.ns_per_packet <= 1us", ...args, "--inconclusive", "fail");
    expect(failing.stdout).toContain("INCONCLUSIVE");
    expect(failing.code).toBe(6);
  });

  it.each([
    ["leak.netmem == 0", [], 2, "Did you mean leak.netmems?"],
    ["latency.deliver: p(99) <= baseline", [], 2, "there is no baseline"],
    ["leak.netmems == 0", ["--baseline", "none"], 2, "there is no baseline none"],
    ["leak.netmems == 0", ["--backend", "kernel-zcrx"], 4, "not available here"],
    ["copy.bytes{provider=umem} == 0", [], 2, "no run has these tags"],
  ])("of %s %j is %i: an error, never a pass", (expression, args, code, text) => {
    const { stdout, stderr, code: found } = gate(expression, ...args);
    expect({ found, stdout }).toEqual({ found: code, stdout: "" });
    expect(stderr).toContain(text);
  });

  it("is 5 for a cut capture and for a cut record", () => {
    expect(netmem("gate", "cut.pcap", "--threshold", "leak.netmems == 0").code).toBe(5);
    writeFileSync(join(folder, "cut.json"), '{ "schema": "netmem.record/1", "netmem": {');
    const { code, stderr } = netmem("gate", "cut.json", "--threshold", "leak.netmems == 0");
    expect(stderr).toContain("cut.json is cut or damaged");
    expect(code).toBe(5);
  });
});

describe("a gate from a file and a saved baseline", () => {
  const file = [
    "baseline: main",
    "thresholds:",
    "  - leak.netmems == 0",
    "  - 'latency.deliver: p(99) <= baseline'",
    "  - threshold: drop.total == baseline",
    "    abort: true",
    "",
  ].join("\n");

  it("passes, shows a change of behaviour, and the file stays the same otherwise", () => {
    writeFileSync(join(folder, "netmem.gate.yaml"), file);
    expect(netmem("baseline", "save", "main", "capture.pcap").code).toBe(0);
    const saved = () => readFileSync(join(folder, "netmem.baselines/main.json"), "utf8");
    const before = saved();
    expect(netmem("gate", "capture.pcap").stdout).toContain("PASS");
    expect(netmem("baseline", "save", "main", "capture.pcap").code).toBe(0);
    expect(saved()).toBe(before);
    expect(Buffer.byteLength(before)).toBeLessThan(10_000);
    const unlike = netmem("gate", "capture.pcap", "--ring", "64");
    expect(unlike.stderr).toContain("unlike configuration: ring 64, was 1024");
    expect(unlike.code).toBe(2);
    const { stdout } = netmem("baseline", "list");
    expect(stdout).toMatch(/main +1 +3 .* netmem\.baselines\/main\.json/);
  });

  it("says where a file is wrong", () => {
    writeFileSync(join(folder, "wrong.yaml"), "thresholds:\n  - leak.netmems == 0\nbaselin: x\n");
    const { stderr, code } = netmem("gate", "capture.pcap", "--file", "wrong.yaml");
    expect(stderr).toContain("wrong.yaml:3: unknown key baselin");
    expect(stderr).toContain("Did you mean baseline?");
    expect(code).toBe(2);
  });
});

describe("compare", () => {
  it("keeps every repetition, and compares what was kept", () => {
    const flags = ["--provider", "devmem,zcrx", "--repetitions", "2", "--keep", "kept"];
    const { stdout, code } = netmem("compare", "capture.pcap", ...flags, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ mode: "matrix", complete: true, repetitions: 2 });
    expect(code).toBe(0);
    const offline = netmem("compare", "kept/devmem.ndjson", "kept/zcrx.ndjson", "--json");
    const { columns, rows } = JSON.parse(offline.stdout) as {
      columns: Array<{ repetitions: number }>;
      rows: Array<{ metric: string }>;
    };
    expect(columns.map(({ repetitions }) => repetitions)).toEqual([2, 2]);
    expect(rows.some(({ metric }) => metric === "host.ns_per_packet")).toBe(true);
  });
});
