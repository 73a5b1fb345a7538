import type { ThresholdResult } from "../../replay/record/gate-schema.js";
import { seriesName } from "../gate/gate-report.js";

/** Tags that a person needs only where they tell series apart. */
const OMITTED = ["capture", "backend"];

/**
 * Names of thresholds' series for a person: without the capture and the backend where all
 * thresholds have the same. Names for machines keep them, since they must not depend on the rest.
 */
export function shortSeries(
  thresholds: readonly ThresholdResult[],
): (threshold: ThresholdResult) => string {
  const common = OMITTED.filter(
    (tag) => new Set(thresholds.map(({ tags }) => tags[tag])).size === 1,
  );
  return (threshold) => {
    const tags = Object.entries(threshold.tags).filter(([name]) => !common.includes(name));
    return seriesName({ ...threshold, tags: Object.fromEntries(tags) });
  };
}
