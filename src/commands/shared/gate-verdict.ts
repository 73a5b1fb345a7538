import type { Trial } from "../../replay/compare/trials.js";
import { EXIT, NetmemError } from "../../replay/error.js";
import { build } from "../../replay/run/build-info.js";
import { buildGate } from "../../report/gate/build-gate.js";
import type { GateReport, ThresholdResult } from "../../report/gate/gate-report.js";
import type { GateSides } from "./gate-sides.js";

/** Watches the replays of a gate and ends them once a threshold with abort has surely failed. */
export class GateWatch {
  readonly #sides: GateSides;
  readonly #startMs = performance.now();
  #failed: ThresholdResult | null = null;
  #after = 0;

  constructor(sides: GateSides) {
    this.#sides = sides;
  }

  /** Whether the replays can end here; before its grace has passed a threshold ends nothing. */
  isDecided(trials: readonly Trial[]): boolean {
    const elapsedMs = performance.now() - this.#startMs;
    const armed = this.#sides.thresholds.filter(
      ({ abort, graceMs }) => abort && graceMs <= elapsedMs,
    );
    if (armed.length === 0) return false;
    const report = this.#attempt(trials, armed);
    this.#failed = report?.thresholds.find(({ verdict }) => verdict === "fail") ?? null;
    this.#after = trials.length;
    return this.#failed !== null;
  }

  /** The gate on all that was replayed. */
  report(trials: readonly Trial[]): GateReport {
    const { thresholds, plan, labels } = this.#sides;
    const total = plan.repetitions * labels.length;
    if (this.#failed === null) return gateOf(this.#sides, trials, thresholds);
    const { expression } = this.#failed;
    const aborted = { expression, afterRepetitions: this.#after, of: total };
    // What ended early may lack what other thresholds ask for; that it failed stands.
    const ended = thresholds.filter((threshold) => threshold.expression === expression);
    const report = this.#attempt(trials, thresholds) ?? gateOf(this.#sides, trials, ended);
    return { ...report, aborted };
  }

  /** A gate on a part, or null where the part does not suffice. */
  #attempt(trials: readonly Trial[], thresholds: GateSides["thresholds"]): GateReport | null {
    try {
      return gateOf(this.#sides, trials, thresholds);
    } catch (error) {
      if (error instanceof NetmemError && error.code === "NETMEM_NO_SAMPLES") return null;
      if (error instanceof NetmemError && error.code === "NETMEM_BASELINE") return null;
      throw error;
    }
  }
}

function gateOf(
  sides: GateSides,
  trials: readonly Trial[],
  thresholds: GateSides["thresholds"],
): GateReport {
  const { plan } = sides;
  return buildGate({
    netmem: build(),
    source: sides.source,
    thresholds,
    records: sides.records(trials),
    baseline: sides.baseline(trials),
    looks: sides.thresholds.some(({ abort }) => abort) ? plan.repetitions : 1,
  });
}

/** The exit code of a gate's outcome alone. */
export function outcomeCode(report: GateReport, inconclusive: "pass" | "fail"): number {
  if (report.outcome === "fail") return EXIT.gateFailed;
  const fails = report.outcome === "inconclusive" && inconclusive === "fail";
  return fails ? EXIT.inconclusive : EXIT.done;
}
