import { fileURLToPath } from "node:url";
import { replaySubject } from "../dist/replay/compare/subjects.js";
import { runTrials } from "../dist/replay/compare/trials.js";
import { COUNTED_NAMES } from "../dist/replay/plan/counted-names.js";
import { resolveConfig } from "../dist/replay/plan/resolve.js";
import { buildGate, parseThresholds } from "../dist/report/gate/build-gate.js";

/**
 * How often a gate cries wolf: compares the unchanged program with itself again and again on this
 * machine, and counts what the gate says. Prints one JSON document.
 *
 *     node --import tsx bench/self-gate.ts [COMPARISONS] [REPETITIONS] [CAPTURE]
 */
const comparisons = Number(process.argv[2] ?? 200);
const repetitions = Number(process.argv[3] ?? 9);
const capture =
  process.argv[4] ?? fileURLToPath(new URL("../fixtures/kernel/flows64.pcap", import.meta.url));

const flags = { provider: "zcrx", topspeed: true, area: "4MiB", ring: "64", loop: "3" };
const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
const hooks = { signal: new AbortController().signal, warn: () => undefined };
const expressions = [
  "host.ns_per_packet <= baseline*1.05",
  "latency.deliver: p(99) == baseline",
  "pool.recycling_pct == baseline",
  "leak.netmems == 0",
];
const counts = {
  host: { pass: 0, fail: 0, inconclusive: 0 },
  model: { pass: 0, fail: 0, inconclusive: 0 },
};
const started = performance.now();
const noise: number[] = [];
for (let i = 0; i < comparisons; i++) {
  const subjects = ["base", "head"].map((name) => replaySubject(name, config, [capture], hooks));
  const trials = await runTrials(subjects, { repetitions, warmup: 1, seed: i }, hooks);
  const of = (side: number) =>
    trials.filter((trial) => trial.subject === side).flatMap((trial) => trial.records);
  const given = expressions.map((expression) => ({
    expression,
    origin: "bench",
    abort: false,
    graceMs: 0,
  }));
  const [base, head] = [of(0), of(1)];
  const report = buildGate({
    netmem: { version: "0", commit: null },
    source: capture,
    thresholds: parseThresholds(given, COUNTED_NAMES, head),
    records: head,
    baseline: { name: "base", source: "base", content: base, sameConfig: true },
    looks: 1,
  });
  for (const row of report.thresholds) {
    counts[row.deterministic ? "model" : "host"][row.verdict]++;
    if (!row.deterministic) noise.push(Math.abs(row.changePct!));
  }
}
noise.sort((a, b) => a - b);
const at = (share: number) => Number(noise[Math.floor(share * (noise.length - 1))]!.toFixed(2));
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const medianChangePct = { p50: at(0.5), p90: at(0.9), max: at(1) };
const result = { comparisons, repetitions, seconds, counts, medianChangePct };
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
