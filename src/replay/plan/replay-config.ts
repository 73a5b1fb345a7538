import type { Costs } from "../../engine/clock/costs.js";
import type { DriverName } from "../../engine/driver/profile.js";
import type { PlannedFault } from "../../engine/fault/plan.js";
import type { ProviderModule } from "../../engine/provider/plugin.js";
import type { ExportFormat } from "../record/export-formats.js";

/** How arrivals are timed: the capture's own gaps, a steady rate, or back to back. */
export type Pacing =
  | { readonly mode: "recorded"; readonly multiplier: number }
  | { readonly mode: "pps"; readonly pps: number }
  | { readonly mode: "mbps"; readonly mbps: number }
  | { readonly mode: "topspeed" };

/** Header/data split: on, off, or every `failEvery`th packet unsplit (0 in the other modes). */
export interface HeaderSplit {
  readonly mode: "on" | "off" | "fail";
  readonly failEvery: number;
}

/** One `--export FORMAT=FILE`. */
export interface ExportTarget {
  readonly format: ExportFormat;
  /** A path, or `-` for standard output. */
  readonly file: string;
}

/** Every setting of a replay, validated; what the flags, environment and file resolve to. */
export interface ReplayConfig {
  /** Memory providers, one run each, without repetition: names, and paths of modules. */
  readonly provider: readonly string[];
  /** Loaded provider modules by the path in `provider`; only where they may run. */
  readonly plugins?: ReadonlyMap<string, ProviderModule>;
  /** Names of the backends, comma-separated, as the record has them. */
  readonly backend: string;
  /** Those of them that go through a real kernel, in the order given. */
  readonly natives: readonly string[];
  /** Name of a kernel profile, a key of KERNEL_PROFILES. */
  readonly kernel: string;
  /** Driver profile. */
  readonly driver: DriverName;
  /** RX queues, 1 to 64. */
  readonly queues: number;
  /** Descriptors a queue, a power of two. */
  readonly ring: number;
  /** NAPI budget, packets a poll. */
  readonly budget: number;
  /** Provider memory of each run; whole pages. */
  readonly areaBytes: number;
  /** One netmem: a power of two, 4 KiB to 2 MiB. */
  readonly bufferSizeBytes: number;
  readonly hds: HeaderSplit;
  /** `all`, `none`, or a flow expression. */
  readonly steer: string;
  readonly rxUsecs: number;
  readonly rxFrames: number;
  readonly readDelayNs: number;
  readonly readSizeBytes: number;
  readonly holdNs: number;
  /** Tokens or refill entries given back a call. */
  readonly batch: number;
  /** Receive buffer: from the capture, autotuned, or bytes. */
  readonly rcvbuf: "capture" | "auto" | number;
  readonly checksum: "trust" | "verify";
  readonly pacing: Pacing;
  /** Native backends: payload bytes of a rebuilt segment; 0 leaves the capture's segments. */
  readonly coalesceBytes: number;
  /** Of the real zero-copy providers: their device, or null where none was named. */
  readonly link: {
    readonly interface: string;
    readonly peer: string;
    readonly queue: number;
    readonly nodev: boolean;
  } | null;
  /** Passes over the capture. */
  readonly loop: number;
  /** Packets replayed a pass at most; null for all. */
  readonly limit: number | null;
  /** Faults in the order of the plan file, then of the flags; random ones drawn by the seed. */
  readonly faults: readonly PlannedFault[];
  /** A row of the fault catalogue whose historic bug is put back; empty for none. */
  readonly regress: string;
  /** Which part of the captures is replayed; null for all. */
  readonly shard: { readonly index: number; readonly count: number } | null;
  readonly cost: { readonly name: string; readonly table: Costs };
  /** Seed of the model's PRNG, 0 to 2^32 - 1. */
  readonly seed: number;
  readonly streams: boolean;
  readonly leaks: "count" | "trace";
  readonly floor: boolean;
  readonly reader: "block" | "pcap-parser";
  /** Length of the intervals that runs are cut into; null for none. */
  readonly intervalNs: number | null;
  readonly exports: readonly ExportTarget[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Text charts behind the table. */
  readonly chart: boolean;
  /** Flags that differ from their defaults and decide what is run, as command-line text. */
  readonly given: Readonly<Record<string, string>>;
}

/** The memory providers, in the order in which they run and are shown. */
export const PROVIDERS = ["page", "devmem", "zcrx"] as const;
/** Name of a memory provider. */
export type ProviderName = (typeof PROVIDERS)[number];
