/** Name of the document that `netmem conform --json` prints. */
export const CONFORM_SCHEMA = "netmem.conform/1";

/** The clauses of the provider contract, in the order in which they are shown. */
export const CLAUSES = [
  ["module", "exports contract, name and create, which makes a provider"],
  ["time", "every call comes back in time"],
  ["answers", "every call answers what it is asked for, throws nothing"],
  ["init", "a pool of the provider's netmem size is taken"],
  ["distinct", "no netmem is in two hands at once"],
  ["batch", "at most 64 netmems a call, placed in allocNetmems only"],
  ["serves", "what is free is handed out; -1 only when nothing is"],
  ["conservation", "free netmems and those in pools add up to all"],
  ["returns", "netmems that are home come round again"],
  ["teardown", "pools end: with netmems out, two at once, uninstalled"],
  ["deterministic", "the same calls get the same answers"],
  ["isolated", "two providers of one module share nothing"],
] as const;
/** Name of a clause. */
export type ClauseName = (typeof CLAUSES)[number][0];

/** What broke a clause, and the shortest way there that was found. */
export interface Counterexample {
  /** The suite that found it. */
  readonly suite: string;
  readonly message: string;
  /** Netmems of the area, and the bytes of each. */
  readonly netmems: number;
  readonly netmemBytes: number;
  /** Seed of the run that was shrunk, null where nothing was random. */
  readonly seed: number | null;
  /** What was done, in words. */
  readonly steps: readonly string[];
}

/** A verdict on one clause. `untested`: what would have tested it did not run to its end. */
export interface ClauseVerdict {
  readonly clause: ClauseName;
  readonly text: string;
  readonly verdict: "pass" | "fail" | "untested";
  readonly counterexample: Counterexample | null;
}

/** What a suite did. */
export interface SuiteTally {
  readonly suite: string;
  readonly runs: number;
  readonly operations: number;
  /** False if it did not run to its end. */
  readonly complete: boolean;
}

/** The verdict on one module. */
export interface ProviderVerdict {
  readonly path: string;
  /** Null if the module could not be loaded. */
  readonly name: string | null;
  readonly contract: number | null;
  readonly conforms: boolean;
  readonly clauses: readonly ClauseVerdict[];
  readonly suites: readonly SuiteTally[];
}

/** What `netmem conform` answers with. */
export interface ConformDocument {
  readonly schema: typeof CONFORM_SCHEMA;
  readonly contract: number;
  readonly seed: number;
  readonly providers: readonly ProviderVerdict[];
}
