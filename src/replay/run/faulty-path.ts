import type { PathPlace } from "../../engine/assemble.js";
import { FaultDirector } from "../../engine/fault/director.js";
import { FaultyApplication } from "../../engine/fault/faulty-application.js";
import { FaultyWire } from "../../engine/fault/faulty-wire.js";
import { isWireFault } from "../../engine/fault/plan.js";
import type { Arena } from "../../engine/memory/arena.js";
import type { ReceiveOptions } from "../../engine/receive-options.js";
import { ReceivePath } from "../../engine/receive-path.js";
import { countRecycled } from "../../engine/recycled.js";
import { hostNowNs } from "../measure/timer.js";
import type { ReplayConfig } from "../plan/replay-config.js";

/**
 * A receive path, and where a plan has faults a director of them, and an application that they can
 * reach. Without a plan nothing stands around the path.
 *
 * @throws NetdevRefused when the kernel would refuse the provider on the queue.
 */
export function pathOf(
  config: ReplayConfig,
  options: ReceiveOptions,
  place: PathPlace,
): { readonly path: ReceivePath; readonly director: FaultDirector | null } {
  if (config.faults.length === 0) {
    return { path: new ReceivePath(options, place, hostNowNs), director: null };
  }
  let faulty: FaultyApplication | null = null;
  const dressed: PathPlace = {
    ...place,
    dress: (app, clock) => {
      faulty = new FaultyApplication(app, clock);
      return faulty;
    },
  };
  const path = new ReceivePath(options, dressed, hostNowNs);
  return { path, director: new FaultDirector(path, faulty!, config.faults, config.seed) };
}

/** The wire of a plan with wire faults, in front of all providers alike; null without. */
export function wireOf(config: ReplayConfig, arena: Arena): FaultyWire | null {
  if (!config.faults.some(isWireFault)) return null;
  return new FaultyWire(config.faults, arena, config.seed);
}

/** The run broke off: what the pools counted stands as it is, and nothing is torn down. */
export function breakOff(path: ReceivePath): void {
  path.poolStats = path.pools.pools.map((pool) => (pool === null ? null : pool.stats.slice()));
  path.recycled = countRecycled(path);
}
