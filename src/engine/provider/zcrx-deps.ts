import type { VirtualClock } from "../clock/virtual-clock.js";
import type { KernelProfile } from "../kernel/profile.js";
import type { Ledger } from "../ledger/ledger.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import type { PoolReturn } from "./pool-face.js";
import type { ZcrxInstance } from "./zcrx-instance.js";

/** What an instance works with. */
export interface ZcrxDeps {
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly profile: KernelProfile;
  /** Where netmems go that some pool holds. */
  readonly back: PoolReturn;
  /** An instance was freed. */
  readonly onFree?: (ifq: ZcrxInstance) => void;
  /** Where user pages are pinned for areas; not followed where it is absent. */
  readonly pins?: ZcrxPins;
}

/** User pages pinned for areas (io_import_umem), and whether the next sg table cannot be had. */
export interface ZcrxPins {
  pages: number;
  sgAllocFails: boolean;
}
