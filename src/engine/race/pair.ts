import type { RaceBuilder } from "./model.js";

/** A rule put back to what it was, or left out, that the exploration must find. */
export interface Regression {
  /** `F1` to `F40` for a row of the fault catalogue, else a short name of the rule left out. */
  readonly id: string;
  readonly title: string;
}

/** Two or more kernel functions that may run at once over the same words. */
export interface RacePair {
  readonly id: string;
  readonly title: string;
  readonly regressions: readonly Regression[];
  /**
   * Writes the model down: `size` netmems (or rounds) of it, under today's rules, or with the rule
   * named by `regress` put back; an empty `regress` is today's rules.
   */
  readonly build: (race: RaceBuilder, size: number, regress: string) => void;
}
