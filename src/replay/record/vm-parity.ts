import type { NetmemRecord } from "./schema.js";

/** One thing that was held against each other. */
export interface VmCheck {
  readonly scenario: string;
  readonly what: string;
  readonly model: string;
  readonly guest: string;
  readonly same: boolean;
  /** Why the two may differ, where that was reviewed. */
  readonly explained: string | null;
}

/** What `netmem parity --vm` answers. */
export interface VmParityDocument {
  readonly schema: "netmem.vm-parity/1";
  readonly capture: string;
  readonly provider: string;
  readonly guest: NonNullable<NetmemRecord["guest"]>;
  readonly scenarios: number;
  readonly checks: readonly VmCheck[];
  /** Checks that differ and that nobody has explained. */
  readonly unexplained: number;
  /** What the guest's kernel complained of. */
  readonly complaints: readonly string[];
}
