import { fileURLToPath } from "node:url";
import { replaySubject } from "../dist/replay/compare/subjects.js";
import { runTrials } from "../dist/replay/compare/trials.js";
import { COUNTED_NAMES } from "../dist/replay/plan/counted-names.js";
import { resolveConfig } from "../dist/replay/plan/resolve.js";
import type { NetmemRecord } from "../dist/replay/record/schema.js";
import { buildComparison } from "../dist/report/compare/build-comparison.js";
import { buildGate, parseThresholds } from "../dist/report/gate/build-gate.js";

/**
 * How often a gate cries wolf: compares the unchanged program with itself again and again on this
 * machine, and counts what the gate says. Prints one JSON document.
 *
 *     node --import tsx bench/self-gate.ts [COMPARISONS] [REPETITIONS] [SEED] [CAPTURE]
 *
 * SEED is the first comparison's, which draws the order of replays: many comparisons can be made in
 * pieces.
 */
const comparisons = Number(process.argv[2] ?? 200);
const repetitions = Number(process.argv[3] ?? 9);
const firstSeed = Number(process.argv[4] ?? 0);
const capture =
  process.argv[5] ?? fileURLToPath(new URL("../fixtures/kernel/flows64.pcap", import.meta.url));

const NETMEM = { version: "0", commit: null };
const flags = { provider: "zcrx", topspeed: true, area: "4MiB", ring: "64", loop: "3" };
const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
const hooks = { signal: new AbortController().signal, warn: () => undefined };
/** The gates of docs/ci.md, each held by itself: host time with both bounds, and the model. */
const gates = {
  "host, baseline*1.02": ["host.ns_per_packet <= baseline*1.02"],
  "host, baseline*1.05": ["host.ns_per_packet <= baseline*1.05"],
  model: [
    "latency.deliver: p(99) == baseline",
    "pool.recycling_pct >= baseline",
    "drop.total == baseline",
    "leak.netmems == 0",
  ],
};
const counts = Object.fromEntries(
  Object.keys(gates).map((name) => [name, { pass: 0, fail: 0, inconclusive: 0 }]),
);
const compared: Record<string, number> = {};
const started = performance.now();
const noise: number[] = [];
/** Comparisons in which a metric of the model differed. */
let differing = 0;
for (let i = firstSeed; i < firstSeed + comparisons; i++) {
  const subjects = ["base", "head"].map((name) => replaySubject(name, config, [capture], hooks));
  const trials = await runTrials(subjects, { repetitions, warmup: 1, seed: i }, hooks);
  const of = (side: number) =>
    trials.filter((trial) => trial.subject === side).flatMap((trial) => trial.records);
  const [base, head] = [of(0), of(1)];
  for (const [name, expressions] of Object.entries(gates)) {
    for (const row of hold(expressions, base, head).thresholds) counts[name]![row.verdict]++;
  }
  const { rows } = buildComparison({
    ...{ mode: "matrix", netmem: NETMEM, base: 0, seed: i, repetitions, warmup: 1 },
    ...{ minEffect: 0.02, complete: true, force: false, known: COUNTED_NAMES },
    columns: [base, head].map((records, k) => ({
      ...{ label: String(k), source: capture, settings: { provider: String(k) } },
      records,
    })),
  });
  const exact = rows.filter((row) => row.deterministic);
  if (exact.some((row) => row.cells[1]!.verdict !== "unchanged")) differing++;
  const host = rows.find((row) => row.metric === "host.ns_per_packet")!.cells[1]!;
  compared[host.verdict] = (compared[host.verdict] ?? 0) + 1;
  noise.push(Math.abs(100 * (host.ratio! - 1)));
}

/** One gate of the head against the base. */
function hold(expressions: readonly string[], base: NetmemRecord[], head: NetmemRecord[]) {
  const given = expressions.map((expression) => ({
    expression,
    origin: "bench",
    abort: false,
    graceMs: 0,
  }));
  return buildGate({
    netmem: NETMEM,
    source: capture,
    thresholds: parseThresholds(given, COUNTED_NAMES, head),
    records: head,
    baseline: { name: "base", source: "base", content: base, sameConfig: true },
    looks: 1,
  });
}
noise.sort((a, b) => a - b);
const at = (share: number) => Number(noise[Math.floor(share * (noise.length - 1))]!.toFixed(2));
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const medianChangePct = { p50: at(0.5), p90: at(0.9), max: at(1) };
const result = {
  ...{ comparisons, repetitions, seconds, counts, compared, differing, medianChangePct },
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
