import type { Costs } from "./clock/costs.js";
import type { DriverName } from "./driver/profile.js";
import type { SteerRule } from "./driver/steering.js";
import type { KernelProfile } from "./kernel/profile.js";
import type { LeakMode } from "./ledger/ledger.js";
import type { ProviderModule } from "./provider/plugin.js";

/** The providers that a receive path knows. */
export type ProviderKind = "page" | "devmem" | "zcrx" | "plugin";

/** Everything that decides what a receive path does; the flags of `netmem replay`. */
export interface ReceiveOptions {
  readonly provider: ProviderKind;
  /** The module behind the provider `plugin`. */
  readonly plugin?: ProviderModule | undefined;
  readonly kernel: KernelProfile;
  readonly driver: DriverName;
  readonly queues: number;
  /** Descriptors a ring, a power of two. */
  readonly ring: number;
  readonly budget: number;
  readonly areaBytes: number;
  /** Bytes of one netmem, a power of two of at least 4096. */
  readonly netmemBytes: number;
  readonly split: { readonly mode: "on" | "off" | "fail"; readonly failEvery: number };
  readonly steer: "all" | "none" | readonly SteerRule[];
  readonly rxUsecs: number;
  readonly rxFrames: number;
  readonly readDelayNs: number;
  readonly readSizeBytes: number;
  readonly holdNs: number;
  readonly batch: number;
  /** `capture`, `auto`, or the bytes of SO_RCVBUF. */
  readonly rcvbuf: "capture" | "auto" | number;
  readonly verifyChecksums: boolean;
  readonly topspeed: boolean;
  readonly costs: Costs;
  readonly seed: number;
  readonly leaks: LeakMode;
  /** Length of the intervals that the run is cut into; null for none. */
  readonly intervalNs: number | null;
}
