import type { VirtualClock } from "../../clock/virtual-clock.js";
import type { Gro } from "../../driver/gro.js";
import type { NetworkLayer } from "../../driver/rx-queue.js";
import type { Ledger } from "../../ledger/ledger.js";
import type { CpuContext } from "../../netmem/netmem-return.js";
import type { NetmemTable } from "../../netmem/netmem-table.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import type { StageProbe } from "../../probe/stages.js";
import type { SkbSlab } from "../../skb/skb-slab.js";
import type { SharedRing } from "./rings.js";
import type { XskMemory } from "./xsk-checksums.js";

/** What an XskQueue is built from. */
export interface XskQueueParts extends XskMemory {
  readonly fill: SharedRing;
  readonly pool: PagePool;
  readonly verifyChecksums: boolean;
  /** Whether a frame that was sent is in the UMEM, or lost, at once. */
  readonly synchronous: boolean;
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly slab: SkbSlab;
  readonly gro: Gro;
  readonly up: NetworkLayer;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly stages: StageProbe;
}
