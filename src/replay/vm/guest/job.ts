import type { ReplayConfig } from "../../plan/replay-config.js";

/** What a guest is to do, one thing after the other. */
export interface GuestJob {
  /** Value of NETMEM_GUEST: what the records say of the machine. */
  readonly facts: unknown;
  /** Parameters of nmsim; null: the module is not loaded. */
  readonly nmsim: Readonly<Record<string, string>> | null;
  readonly commands: readonly GuestCommand[];
}

/** One thing that a guest does, and what it may take. */
export type GuestCommand = GuestWork & {
  readonly timeoutMs: number;
  /** Parameters with which nmsim is loaded anew for this command; absent: as the job has it. */
  readonly nmsim?: Readonly<Record<string, string>>;
};

/**
 * A script for the guest's shell, or a replay by the guest's first program itself, which saves the
 * start of another one.
 */
export type GuestWork = { readonly script: string } | { readonly replay: GuestReplay };

/** A capture by its path in the guest, and what is done with it. */
export interface GuestReplay {
  readonly config: ReplayConfig;
  readonly capture: string;
}

/** How one command ended. */
export interface GuestResult {
  /** Exit status; null when it was ended for want of time. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Pools with a memory provider that were still there a while after, and their netmems. */
  readonly poolsLeft: number;
  readonly inflightLeft: number;
}

/** What the guest writes to its port, as one JSON document. */
export interface GuestAnswer {
  readonly results: readonly GuestResult[];
  /** Lines of the kernel's log that tell of trouble: warnings, bugs, stalled pools, leaks. */
  readonly complaints: readonly string[];
  readonly health: GuestHealth;
}

/** The kernel's own reports, as they stood at the end. */
export interface GuestHealth {
  /** /proc/sys/kernel/tainted: bits of Documentation/admin-guide/tainted-kernels.rst. */
  readonly tainted: number;
  /** KFENCE's guarded allocations and the errors that it found; null where it is off. */
  readonly kfence: { readonly allocations: number; readonly bugs: number } | null;
  /** What kmemleak found; null where the kernel has none. */
  readonly leaks: number | null;
}

/** Where the job lies in the guest (as v8.serialize has it), and where its answer goes. */
export const JOB_FILE = "/job/job.bin";
export const ANSWER_PORT = "/dev/vport0p1";
