// What a record holds at most. Apart from the schemas, which a replay has no need to build.

/** Points that `runs[].owners` has at most. */
export const MAX_OWNER_POINTS = 2000;
/** Rows that `runs[].intervals` has at most; NDJSON that is written while running has them all. */
export const MAX_INTERVALS = 100_000;
