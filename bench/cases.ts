/** One traffic pattern that the benchmark measures, with what it may cost at most. */
export interface BenchCase {
  readonly name: string;
  readonly segmentBytes: number;
  readonly flows: number;
  readonly frames: number;
  /** Highest engine time over floor time; null: not asked. */
  readonly target: number | null;
  /** Highest share that ledger, invariants and histograms may add, percent; null: not asked. */
  readonly bookkeepingPct: number | null;
}

/** The patterns of docs/performance.md. */
export const CASES: readonly BenchCase[] = [
  {
    name: "1448B-64flows",
    segmentBytes: 1448,
    flows: 64,
    frames: 60_000,
    target: 2.0,
    bookkeepingPct: 25,
  },
  {
    name: "64B-64flows",
    segmentBytes: 10,
    flows: 64,
    frames: 400_000,
    target: 10,
    bookkeepingPct: 60,
  },
  {
    name: "1448B-67000flows",
    segmentBytes: 1448,
    flows: 67_000,
    frames: 201_000,
    target: null,
    bookkeepingPct: null,
  },
];
