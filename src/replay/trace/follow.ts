import type {
  FollowedNetmem,
  NetmemEvent,
  RefCounts,
} from "../../engine/ledger/followed-netmem.js";
import {
  POOL_RING,
  PROV_FREE,
  STATE_NAME,
  STATE_OWNER,
  TRANSITION_NAME,
} from "../../engine/netmem/state.js";
import type { ReceivePath } from "../../engine/receive-path.js";
import { jsonNumber } from "../record/json-number.js";
import type { NetmemLife, TraceCounts, TraceTransition } from "../record/trace.js";
import { actorOf } from "./actor.js";
import { sinceStart } from "./placed.js";

/** Netmems that are followed through a replay. */
export interface Lives {
  /** Their lives, once the replay is over, in the order of asking. */
  read(): NetmemLife[];
}

/** Follows netmems from the start to the end of a run, `last` transitions of each. */
export function followNetmems(path: ReceivePath, netmems: readonly number[], last: number): Lives {
  const history = path.ledger.history!;
  const followed = netmems.map((n) => history.follow(n, last));
  return { read: () => followed.map((each) => lifeOf(path, each)) };
}

/**
 * Follows netmems through one life each, from their pool or provider to their next return: the
 * life that they are in when `pin` is called.
 */
export function followLives(
  path: ReceivePath,
  netmems: readonly number[],
  last: number,
): Lives & { pin(): void } {
  const history = path.ledger.history!;
  const followed = netmems.map((n) => history.follow(n, last));
  let pinned = false;
  history.follower = (each, from, to) => {
    if (!isBack(from, to)) return;
    if (pinned) each.close();
    else each.begin();
  };
  return {
    pin: () => {
      pinned = true;
    },
    read: () => followed.map((each) => lifeOf(path, each)),
  };
}

/** Whether a change of state ends a life: the netmem is back in its pool or at its provider. */
function isBack(from: number, to: number): boolean {
  const home = (state: number) => state <= POOL_RING;
  return home(to) && (!home(from) || to === PROV_FREE) && from !== to;
}

function lifeOf(path: ReceivePath, followed: FollowedNetmem): NetmemLife {
  const { netmem, earlier } = followed;
  const events = followed.events();
  const state = events.at(-1)?.to ?? followed.state;
  const owner = STATE_OWNER[state]!;
  return {
    netmem,
    memory: netmem < path.table.areaNetmems ? "area" : "page",
    state: STATE_NAME[state]!,
    owner: owner === "" ? null : owner,
    earlier,
    transitions: events.map((event) => transitionOf(path, event)),
  };
}

function transitionOf(path: ReceivePath, event: NetmemEvent): TraceTransition {
  const timeNs = sinceStart(path, event.timeNs);
  return {
    timeNs: jsonNumber(timeNs),
    transition: TRANSITION_NAME[event.transition]!,
    actor: actorOf(event.actor, Number(timeNs), path.lifecycle.log.entries),
    from: STATE_NAME[event.from]!,
    to: STATE_NAME[event.to]!,
    pool: event.pool,
    before: countsOf(event.before),
    after: countsOf(event.after),
  };
}

function countsOf({ ppRef, driver, skb, user }: RefCounts): TraceCounts {
  return { ppRefCount: ppRef, driver, skb, user };
}
