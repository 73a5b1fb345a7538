import { statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

/** In a shorter run, V8 spends longer on deeper inlining than the run gets out of it. */
const LONG_RUN_BYTES = 1024 ** 3;

/**
 * {@link raiseInliningBudget}, where so much is to be replayed that it pays: a capture's bytes by
 * the passes over them. A stream, of which nobody knows, counts as short.
 */
export function inlineForLongRun(path: string, passes: number): void {
  if (fileBytes(path) * passes >= LONG_RUN_BYTES) raiseInliningBudget();
}

/**
 * Lets V8 inline more of the engine's call tree into its loops: many small methods, each called
 * once a packet, cost more by being called than by what they do. Measured at 10 to 15 % of the
 * engine's time, for twice the time in V8's compiler (docs/performance.md). To be called before the
 * engine runs.
 */
export function raiseInliningBudget(): void {
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=5000");
  setFlagsFromString("--max-inlined-bytecode-size=1000");
  setFlagsFromString("--max-optimized-bytecode-size=100000");
}

function fileBytes(path: string): number {
  try {
    const stats = statSync(path);
    return path !== "-" && stats.isFile() ? stats.size : 0;
  } catch {
    // Who opens it tells why it cannot be read.
    return 0;
  }
}
