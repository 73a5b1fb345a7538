import { Session } from "node:inspector";

interface CoverageRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface CoverageReport {
  readonly result: ReadonlyArray<{
    readonly url: string;
    readonly functions: ReadonlyArray<{ readonly ranges: readonly CoverageRange[] }>;
  }>;
}

/**
 * V8's own block coverage of this process, as feedback. In binary mode V8 tells each block once and
 * then lets the code run at full speed; asking takes milliseconds, so it is asked once a generation
 * of inputs and credits them together.
 */
export class BlockCoverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  /** Blocks of the project's own code that ran so far. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** Blocks that ran for the first time since the last call. */
  take(): number {
    const before = this.#seen.size;
    this.#session.post("Profiler.takePreciseCoverage", (error, report) => {
      if (error === null) this.#add(report as unknown as CoverageReport);
    });
    return this.#seen.size - before;
  }

  #add(report: CoverageReport): void {
    for (const { url, functions } of report.result) {
      if (!/\/(src|dist)\/(engine|replay)\//.test(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url}:${startOffset}:${endOffset}`);
        }
      }
    }
  }
}
