import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Comparison } from "../../src/replay/record/comparison-schema.js";
import {
  type ComparisonShard,
  comparisonShardSchema,
} from "../../src/replay/record/comparison-shard-schema.js";
import { countVerdicts } from "../../src/report/compare/comparison.js";
import { runCli } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-shards-"));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Two captures in 2 x 2 x 2 columns: 16 cells. */
const MATRIX = [
  "compare",
  "fixtures/kernel/http4.pcap",
  "fixtures/kernel/loss_reorder.pcap",
  "--provider=page,zcrx",
  "--kernel=7.2,7.3",
  "--hold=0,300us",
  "--repetitions=2",
  "--warmup=0",
  "--against=zcrx kernel=7.3 hold=0",
];

function shard(name: string, ...args: string[]): ComparisonShard {
  const { code, stderr } = runCli([...MATRIX, "-q", `--export=json=${file(name)}`, ...args]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(readFileSync(file(name), "utf8")) as ComparisonShard;
}

function merge(...names: string[]) {
  const { code, stdout, stderr } = runCli(["merge", ...names.map(file), "--json"]);
  return { code, stderr, document: JSON.parse(stdout) as Comparison & { error?: unknown } };
}

/** What does not come from the host's clock. */
function deterministicPart({ rows, geomean, columns, ...rest }: Comparison) {
  const { power: _, refused: _refused, warnings: _warnings, counts: _counts, ...same } = rest;
  const exact = rows.filter((row) => row.deterministic);
  return {
    ...same,
    rows: exact,
    counts: countVerdicts(exact),
    geomean: geomean.filter(({ metric }) => !metric.startsWith("host.")),
    columns: columns.map(({ machine: _machine, ...column }) => column),
  };
}

function changed(name: string, change: (part: ComparisonShard) => void): string {
  const part = JSON.parse(readFileSync(file("2.json"), "utf8")) as ComparisonShard;
  change(part);
  writeFileSync(file(name), JSON.stringify(part));
  return name;
}

describe("compare --shard", () => {
  const parts = [1, 2, 3].map((i) => shard(`${i}.json`, `--shard=${i}/3`));
  const whole = JSON.parse(runCli([...MATRIX, "--json"]).stdout) as Comparison;

  it("deals the cells of the matrix out, column by column and capture by capture", () => {
    const cells = parts.map(
      ({ trials }) => new Set(trials.map(({ column, capture }) => `${capture} ${column}`)),
    );
    expect(cells.map(({ size }) => size)).toEqual([6, 5, 5]);
    expect(new Set(cells.flatMap((own) => [...own])).size).toBe(16);
    for (const part of parts) expect(comparisonShardSchema.safeParse(part).error).toBeUndefined();
  });

  it("merges to the comparison of one machine, field by field, in any order of files", () => {
    const { document, code } = merge("3.json", "1.json", "2.json");
    expect(code).toBe(0);
    expect(JSON.stringify(deterministicPart(document))).toBe(
      JSON.stringify(deterministicPart(whole)),
    );
    expect(
      document.rows.some((row) => row.cells.some(({ verdict }) => verdict === "regressed")),
    ).toBe(true);
    expect(document.rows.every((row) => row.deterministic)).toBe(true);
    expect(document.refused).toEqual(["the cells were replayed in 3 shards, not interleaved"]);
  });

  it("takes the index from a Kubernetes job, GitLab, or a matrix of one's own", () => {
    const { trials, shard: own } = parts[1]!;
    const cellsOf = (part: ComparisonShard) => part.trials.map((t) => [t.column, t.capture]);
    const surroundings: Array<Record<string, string>> = [
      { JOB_COMPLETION_INDEX: "1" },
      { CI_NODE_INDEX: "2", CI_NODE_TOTAL: "3" },
      { NETMEM_SHARD_INDEX: "2", NETMEM_SHARD_TOTAL: "3" },
    ];
    for (const env of surroundings) {
      const { stdout } = runCli([...MATRIX, "--shard=auto/3", "--json"], { env });
      const part = JSON.parse(stdout) as ComparisonShard;
      expect(part.shard).toEqual(own);
      expect(cellsOf(part)).toEqual(cellsOf({ trials } as ComparisonShard));
    }
  });

  it("is refused where shards overlap, are missing, or were broken off", () => {
    const refusal = (...names: string[]) => {
      const { code, document } = merge(...names);
      return [code, (document.error as { message: string }).message];
    };
    const cut = changed("cut.json", (part) => part.trials.pop());
    const broken = changed("broken.json", (part) => Object.assign(part, { complete: false }));
    writeFileSync(file("again.json"), readFileSync(file("2.json")));
    expect(refusal("1.json", "2.json")).toEqual([2, "shard 3 of 3 missing"]);
    expect(refusal("1.json", "2.json", "3.json", "again.json")[1]).toContain("overlap");
    expect(refusal("1.json", cut, "3.json")[1]).toContain("31 of 32 replays");
    expect(refusal("1.json", broken, "3.json")[1]).toContain("broken off");
  });

  it("is refused where shards are of another list, setting, build or capture", () => {
    const refusal = (name: string) => {
      const { code, document } = merge("1.json", name, "3.json");
      return [code, (document.error as { message: string }).message] as const;
    };
    shard("ring.json", "--shard=2/3", "--ring=256");
    shard("list.json", "--shard=2/3", "fixtures/kernel/zero_window.pcap");
    shard("often.json", "--shard=2/3", "--min-effect=3%");
    expect(refusal("ring.json")).toEqual([2, expect.stringContaining("not the same settings")]);
    expect(refusal("list.json")[1]).toContain("not the same list of captures");
    expect(refusal("often.json")[1]).toContain("not the same minimum effect");
    const build = changed("build.json", (part) => {
      part.netmem = { version: "9.9.9", commit: null };
    });
    expect(refusal(build)[1]).toContain("made by netmem 9.9.9");
    const moved = changed("moved.json", (part) => {
      for (const { record } of part.trials) record.capture.sha256 = "0".repeat(64);
    });
    expect(refusal(moved)[1]).toContain("was another capture in");
    expect(runCli(["merge", file("1.json"), file("whole.json")]).code).toBe(2);
  });

  it("exports JSON alone, and says what it did", () => {
    const html = runCli([...MATRIX, "--shard=1/3", `--export=html=${file("x.html")}`]);
    expect(html.code).toBe(2);
    expect(html.stderr).toContain("a part of a matrix compares nothing");
    const table = runCli([...MATRIX, "--shard=3/3"]).stdout;
    expect(table).toContain("shard 3 of 3  5 of 16 cells");
    const report = runCli(["report", "md", file("1.json")]);
    expect([report.code, report.stderr]).toEqual([2, expect.stringContaining("netmem merge")]);
  });
});
