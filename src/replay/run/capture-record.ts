import type { CaptureFacts } from "../capture/reader.js";
import { jsonNumber } from "../record/json-number.js";
import type { CaptureRecord } from "../record/schema.js";
import type { Findings } from "./run-replay.js";

/** What was read, as a record has it; `path` as the user gave it. */
export function captureRecord(facts: CaptureFacts, path: string, found: Findings): CaptureRecord {
  return {
    path,
    sha256: facts.sha256,
    format: facts.format,
    linkTypes: [...facts.linkTypes],
    packets: facts.packets,
    bytes: facts.bytes,
    durationNs: jsonNumber(facts.durationNs),
    skipped: { ...facts.skipped },
    damage: facts.damage.map(({ offset, reason }) => ({ offset, reason })),
    badChecksums: found.badChecksums,
    clampedTimestamps: found.clampedTimestamps,
  };
}
