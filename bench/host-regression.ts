import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Comparison } from "../src/replay/record/comparison-schema.js";
import type { GateReport } from "../src/replay/record/gate-schema.js";
import { SHARE_VARIABLE, slowerBuild } from "./slower-build.js";
import { synthesize } from "./synthesize.js";

/**
 * What `compare` and `gate` say of a build that is really slower: the program as it is against a
 * build of it that takes a known part more time, replays of both interleaved, trial after trial.
 * Prints one JSON document a line and trial; long measurements can be made in pieces.
 *
 *     node --import tsx bench/host-regression.ts PERCENT REPETITIONS TRIALS [BUILD [SEED]]
 *
 * PERCENT is what the slower build takes more; 0 compares it with what it is a copy of. BUILD keeps
 * the slower build for the next time. SEED is the first trial's, which draws the order of replays.
 */
const [percent, repetitions, trials] = process.argv.slice(2, 5).map(Number);
if (percent === undefined || repetitions === undefined || trials === undefined) {
  throw new Error("give PERCENT REPETITIONS TRIALS");
}
const firstSeed = Number(process.argv[6] ?? 0);
const scratch = mkdtempSync(join(tmpdir(), "netmem-regression-"));
const RUN_JS = fileURLToPath(new URL("../bin/run.js", import.meta.url));
const SLOWER = slowerBuild(process.argv[5] ?? join(scratch, "build"));
const CAPTURE = join(scratch, "capture.pcap");
/** A replay takes some tenths of a second. */
const FRAMES = 50_000;
const FLAGS = "--provider zcrx --topspeed --json";
const BOUND = "host.ns_per_packet <= baseline*1.02";

writeFileSync(CAPTURE, synthesize({ frames: FRAMES, segmentBytes: 256, flows: 16, seed: 1 }));

/** A command line for the shell; the slower build takes `share` more time. */
function line(program: string, share: number): string {
  return `${SHARE_VARIABLE}=${share} ${process.execPath} ${program} replay ${CAPTURE} ${FLAGS}`;
}

function netmem(args: readonly string[]): {
  readonly stdout: string;
  readonly code: number | null;
} {
  const { stdout, status } = spawnSync(process.execPath, [RUN_JS, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { stdout, code: status };
}

try {
  const kept = join(scratch, "kept");
  for (let trial = 0; trial < trials; trial++) {
    const compared = netmem([
      "compare",
      "--json",
      ...["--base", line(RUN_JS, 0), "--head", line(SLOWER, percent / 100)],
      ...[
        "--repetitions",
        String(repetitions),
        "--seed",
        String(firstSeed + trial),
        "--keep",
        kept,
      ],
    ]);
    const comparison = JSON.parse(compared.stdout) as Comparison;
    const row = comparison.rows.find(({ metric }) => metric === "host.ns_per_packet")!;
    const [, head] = row.cells;
    const gated = netmem(
      ["gate", "--json", "--threshold", BOUND].concat(
        ["base", "head"].map((side) => join(kept, `${side}.ndjson`)),
      ),
    );
    const gate = JSON.parse(gated.stdout) as GateReport;
    const exact = comparison.rows.filter((each) => each.deterministic);
    const result = {
      percent,
      repetitions,
      ratio: Number(head!.ratio!.toFixed(4)),
      interval: head!.interval?.map((end) => Number(end.toFixed(4))) ?? null,
      noisePct: Number(comparison.power?.noisePct?.toFixed(2) ?? Number.NaN),
      compare: head!.verdict,
      gate: gate.outcome,
      gateCode: gated.code,
      modelDifferences: exact.filter(({ cells }) => cells[1]!.verdict !== "unchanged").length,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
