import type { Interval } from "../../engine/probe/interval-series.js";
import { OWNER_COLUMNS, type OwnerSeries } from "../../engine/probe/owner-series.js";
import { jsonNumber } from "../record/json-number.js";
import { MAX_INTERVALS } from "../record/limits.js";
import { OWNERS, type Owner } from "../record/names.js";
import type { IntervalRecord, OwnerPoint } from "../record/series-schema.js";
import type { Lane } from "./lane.js";

/** The owners over time as the record has them. */
export function ownerPoints({ count, timesNs, owners }: OwnerSeries): OwnerPoint[] {
  return Array.from({ length: count }, (_, i) => ({
    timeNs: jsonNumber(timesNs[i]!),
    ...byOwner(owners.subarray(i * OWNER_COLUMNS, (i + 1) * OWNER_COLUMNS)),
  }));
}

/** Told of each interval of a run as soon as it has ended. */
export type TellInterval = (provider: string, interval: IntervalRecord) => void;

/** Takes over the intervals of a lane that have ended, and tells of them. */
export function collectIntervals(lane: Lane, tell: TellInterval | undefined): void {
  for (const ended of lane.path.series.takeIntervals()) {
    const interval = intervalOf(ended);
    lane.intervalCount++;
    if (lane.intervals.length < MAX_INTERVALS) lane.intervals.push(interval);
    tell?.(lane.provider, interval);
  }
}

function intervalOf(ended: Interval): IntervalRecord {
  const { startNs, packets, bytes, deliveredBytes, drops, deliver, owners } = ended;
  const { count, p50, p99 } = deliver;
  return {
    startNs: jsonNumber(startNs),
    clock: "model",
    packets,
    bytes,
    deliveredBytes,
    drops,
    deliver: { count, p50: jsonNumber(p50), p99: jsonNumber(p99) },
    owners: byOwner(owners),
  };
}

/** Counts in the order of OWNERS, by their names. */
export function byOwner(counts: ArrayLike<number>): Record<Owner, number> {
  return Object.fromEntries(OWNERS.map((owner, k) => [owner, counts[k]!])) as Record<Owner, number>;
}
