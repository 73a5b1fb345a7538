import {
  ACTOR_CLOSE,
  ACTOR_DEVICE,
  ACTOR_NAPI,
  ACTOR_RETRY,
  ACTOR_SHIFT,
  ACTOR_THREAD,
} from "../../engine/actor-source.js";
import type { LifecycleEntry, LifecycleEvent } from "../../engine/lifecycle/kernel-log.js";
import type { TraceActor, TraceActorKind } from "../record/trace.js";

/** Events that the log tells of before they do anything; the others stand behind their doing. */
const TOLD_FIRST: ReadonlySet<LifecycleEvent> = new Set([
  "app-exit",
  "netlink-close",
  "zcrx-shutdown",
  "zcrx-terminate",
  "zcrx-unregister",
  "zcrx-export",
  "zcrx-fd-close",
]);

/** What else acts, and the function that it begins in. */
const OTHERS: Readonly<Record<number, readonly [TraceActorKind, string | null]>> = {
  [ACTOR_DEVICE]: ["device", null],
  [ACTOR_RETRY]: ["workqueue", "page_pool_release_retry"],
  [ACTOR_CLOSE]: ["socket", "tcp_close"],
};

const INDEX = (1 << ACTOR_SHIFT) - 1;
/** Model times of one moment may differ by rounding. */
const SAME_NS = 16;

/**
 * Says who an actor was (engine/actor-source.ts): a poll, a thread, or the event of the kernel's
 * log that stands right before or behind what it did.
 *
 * @param timeNs model time since the start of the run.
 */
export function actorOf(
  packed: number,
  timeNs: number,
  log: readonly LifecycleEntry[],
): TraceActor {
  const kind = packed >>> ACTOR_SHIFT;
  const index = packed & INDEX;
  if (kind === ACTOR_NAPI) return { kind: "napi", index, call: null };
  if (kind === ACTOR_THREAD) return { kind: "thread", index, call: null };
  const entry = eventAt(index, timeNs, log);
  if (entry !== undefined && kind !== ACTOR_RETRY && kind !== ACTOR_CLOSE) {
    return { kind: kindOf(entry.event), index: null, call: entry.call };
  }
  const [other, call] = OTHERS[kind] ?? ["event", null];
  return { kind: other, index: null, call };
}

/** The event that was going on when the log had `told` entries. */
function eventAt(
  told: number,
  timeNs: number,
  log: readonly LifecycleEntry[],
): LifecycleEntry | undefined {
  const now = (entry: LifecycleEntry | undefined): entry is LifecycleEntry =>
    entry !== undefined && Math.abs(entry.seconds * 1e9 + entry.nanoseconds - timeNs) < SAME_NS;
  const last = log[told - 1];
  if (now(last) && TOLD_FIRST.has(last.event)) return last;
  const next = log[told];
  return now(next) && !TOLD_FIRST.has(next.event) ? next : undefined;
}

function kindOf(event: LifecycleEvent): TraceActorKind {
  if (event.startsWith("zcrx-")) return "io_uring";
  if (event.startsWith("netlink-")) return "netlink";
  if (event.startsWith("socket-")) return "socket";
  if (event === "app-exit") return "process";
  if (event === "binding-free") return "workqueue";
  const ethtool = ["ring-size", "header-split", "hds-thresh", "channels"];
  return ethtool.includes(event) ? "ethtool" : "device";
}
