import type { NetmemRecord } from "./schema.js";

/** One thing that the virtual NIC went through. */
export interface VmSelftestStep {
  readonly name: string;
  readonly ok: boolean;
  /** What went wrong; empty where nothing did. */
  readonly detail: string;
}

/** What `netmem vm selftest` answers. */
export interface VmSelftestDocument {
  readonly schema: "netmem.vm-selftest/1";
  readonly capture: string;
  readonly guest: NonNullable<NetmemRecord["guest"]>;
  readonly steps: readonly VmSelftestStep[];
  /** The kernel's own reports, each with what it says or that there is none. */
  readonly reports: ReadonlyArray<{
    readonly name: string;
    readonly ok: boolean;
    readonly text: string;
  }>;
  /** What the guest's kernel complained of. */
  readonly complaints: readonly string[];
}
