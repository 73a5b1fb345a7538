import type { JsonNumber } from "./json-number.js";

/** One thing in which the model and the kernel differ. */
export interface ParityDifference {
  /** `bytes` and `digest` fail a comparison; the others are for people to read. */
  readonly kind: "bytes" | "digest" | "missing" | "end" | "counter";
  /** `src:port > dst:port`, or the counter's name. */
  readonly what: string;
  readonly model: JsonNumber | string;
  readonly kernel: JsonNumber | string;
  /** The packet of the capture, from 0, with which it began; null where none can be named. */
  readonly packet: number | null;
  /** Why the two differ, where that is known and no defect of either. */
  readonly explained: string | null;
}

/** What `netmem parity` answers for one capture. */
export interface ParityDocument {
  readonly schema: "netmem.parity/1";
  readonly capture: {
    readonly path: string;
    readonly sha256: string;
    readonly packets: JsonNumber;
  };
  readonly backend: string;
  /** Directions compared, and those whose bytes and digest are the same, or explained. */
  readonly streams: number;
  readonly equal: number;
  readonly bytes: { readonly model: JsonNumber; readonly kernel: JsonNumber };
  /** Counters that both have, equal ones too. */
  readonly counters: ReadonlyArray<{
    readonly name: string;
    readonly model: JsonNumber;
    readonly kernel: JsonNumber;
  }>;
  readonly differences: readonly ParityDifference[];
}
