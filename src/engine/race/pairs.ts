import { RaceBuilder, type RaceModel } from "./model.js";
import type { RacePair } from "./pair.js";
import { CLONE_COALESCE, DONTNEED_CLOSE, DONTNEED_RECV, RECV_REAP } from "./pairs/application.js";
import { BIND_LOOKUP, UNBIND_ORDERS, UNINSTALL_CLOSE } from "./pairs/device.js";
import { BULK_FREE, PRODUCE_FREE, PUT_DESTROY, UNMAP_SYNC } from "./pairs/pool-life.js";
import { CLOSE_RESET, GRO_STOP, TWO_POOLS } from "./pairs/queue.js";
import { FLUSH_REFILL, RQE_BATCH } from "./pairs/refill-ring.js";
import { EXIT_REGISTER, TERMINATE_TWICE } from "./pairs/ring-exit.js";
import { RECV_SCRUB, REFILL_SCRUB, RQE_DEAD_POOL } from "./pairs/zcrx-urefs.js";

/** Every pair, first those of DOMAIN 7.6 in its order, then the other races of the catalogue. */
export const RACE_PAIRS: readonly RacePair[] = [
  REFILL_SCRUB,
  PRODUCE_FREE,
  PUT_DESTROY,
  UNMAP_SYNC,
  RQE_DEAD_POOL,
  CLOSE_RESET,
  DONTNEED_CLOSE,
  RECV_SCRUB,
  UNINSTALL_CLOSE,
  TWO_POOLS,
  GRO_STOP,
  BULK_FREE,
  EXIT_REGISTER,
  TERMINATE_TWICE,
  FLUSH_REFILL,
  UNBIND_ORDERS,
  CLONE_COALESCE,
  BIND_LOOKUP,
  DONTNEED_RECV,
  RQE_BATCH,
  RECV_REAP,
];

/** The pair with an id, or undefined. */
export function racePair(id: string): RacePair | undefined {
  return RACE_PAIRS.find((pair) => pair.id === id);
}

/** The model of a pair with `size` netmems or rounds; `regress` is empty for today's rules. */
export function buildRace(pair: RacePair, size: number, regress: string): RaceModel {
  const race = new RaceBuilder();
  pair.build(race, size, regress);
  return race.build();
}
