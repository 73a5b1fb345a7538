import type { Comparison, ComparisonCell } from "../../src/replay/record/comparison-schema.js";
import type { GateReport, ThresholdResult } from "../../src/replay/record/gate-schema.js";
import type { OwnerPoint } from "../../src/replay/record/series-schema.js";

/** Gates, comparisons and series made by hand, for tests of what reads them. */

export function thresholdOf(changes: Partial<ThresholdResult> = {}): ThresholdResult {
  return {
    expression: "latency.deliver: p(99) <= baseline*1.05",
    origin: "--threshold",
    metric: "latency.deliver",
    agg: "p(99)",
    tags: { provider: "zcrx" },
    unit: "ns",
    clock: "model",
    deterministic: true,
    samples: 1,
    value: 41_000,
    operator: "<=",
    bound: 42_000,
    baseline: 40_000,
    changePct: 2.5,
    interval: null,
    p: null,
    verdict: "pass",
    message: "41us is at most 42us",
    ...changes,
  };
}

export function gateOf(thresholds: ThresholdResult[]): GateReport {
  const count = (verdict: string) => thresholds.filter((t) => t.verdict === verdict).length;
  const counts = {
    pass: count("pass"),
    fail: count("fail"),
    inconclusive: count("inconclusive"),
  };
  return {
    schema: "netmem.gate/1",
    netmem: { version: "0.1.0", commit: null },
    outcome: counts.fail > 0 ? "fail" : counts.inconclusive > 0 ? "inconclusive" : "pass",
    counts,
    subject: {
      source: "capture.pcap",
      captures: [{ path: "capture.pcap", sha256: "cd".repeat(32) }],
      repetitions: 9,
      reproduce: ["netmem gate capture.pcap"],
      machine: null,
    },
    baseline: { name: "main", source: "netmem.baseline.json", machine: null },
    thresholds,
    aborted: null,
    warnings: [],
  };
}

function cellOf(changes: Partial<ComparisonCell>): ComparisonCell {
  return {
    value: 100,
    samples: [100],
    ratio: 1,
    interval: null,
    bootstrap: null,
    shift: null,
    p: null,
    pAdjusted: null,
    verdict: "unchanged",
    ...changes,
  };
}

export function comparisonOf(): Comparison {
  const base = cellOf({ verdict: "base", ratio: null });
  const row = (metric: string, cell: Partial<ComparisonCell>) => ({
    metric,
    agg: null,
    tags: { capture: "capture.pcap" },
    unit: "" as const,
    clock: "model" as const,
    deterministic: true,
    better: "lower" as const,
    cells: [base, cellOf(cell)],
    best: [0],
    label: null,
  });
  const column = (label: string) => ({
    label,
    source: `netmem replay --provider ${label}`,
    settings: { provider: label },
    repetitions: 1,
    machine: null,
  });
  return {
    schema: "netmem.comparison/1",
    netmem: { version: "0.1.0", commit: null },
    mode: "matrix",
    complete: true,
    seed: 1,
    repetitions: 1,
    warmup: 0,
    minEffectPct: 2,
    confidencePct: 95,
    columns: [column("devmem"), column("zcrx")],
    base: 0,
    captures: [{ path: "capture.pcap", sha256: "cd".repeat(32), packets: 10 }],
    rows: [
      row("drop.total", { value: 130, ratio: 1.3, verdict: "regressed" }),
      row("tcp.TCPRcvCoalesce", { value: 90, ratio: 0.9, verdict: "different" }),
      row("copy.bytes", { value: null, ratio: null, verdict: "missing" }),
      row("leak.netmems", {}),
    ],
    geomean: [],
    power: null,
    refused: [],
    counts: {
      base: 0,
      improved: 0,
      regressed: 1,
      different: 1,
      unchanged: 1,
      inconclusive: 0,
      missing: 1,
    },
    warnings: [],
  };
}

/** A ring of 64 of which an application keeps one more netmem a microsecond, and 9 for ever. */
export function leakingOwners(): OwnerPoint[] {
  const point = (timeNs: number, app: number, driver: number): OwnerPoint => ({
    timeNs,
    poolCache: 2,
    poolRing: 0,
    driver,
    stack: 1,
    app,
    fallback: 0,
  });
  const rising = Array.from({ length: 10 }, (_, i) => point(i * 1024, i, 64));
  return [...rising, { ...point(10_240, 9, 0), poolCache: 0, stack: 0 }];
}
