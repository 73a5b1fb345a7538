import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// `npm run bench -- native`: the native backends against a bare loop that does the same system
// calls with packets made ready beforehand, in alternating pairs in one process and namespace.

/** One measured thing, and what it must reach; `atLeast` false: must not exceed. */
export interface NativeRow {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly target: number | null;
  readonly atLeast: boolean;
}

const CHILD = fileURLToPath(new URL("native-child.ts", import.meta.url));

/** Kernel backends in one process, then af-xdp with payload bytes and flows, a process a case. */
const PARTS = ["kernel", "1448:1", "10:1", "1448:64", "10:64"];

/**
 * Measures, prints the table or one JSON document. A replay through af-xdp is a process of its own
 * with one capture, and V8 compiles the engine for what it has seen; so it is measured like that.
 */
export function benchNative(json: boolean, quick: boolean): void {
  const rows = PARTS.flatMap((part) => measured(part, quick));
  if (json) {
    process.stdout.write(`${JSON.stringify({ native: rows }, null, 2)}\n`);
    return;
  }
  for (const { what, value, unit, target, atLeast } of rows) {
    const wanted = target === null ? "" : `  ${atLeast ? "at least" : "at most"} ${target} wanted`;
    const missed = target !== null && (atLeast ? value < target : value > target);
    const shown = `${value.toFixed(2)} ${unit}`.padStart(14);
    process.stdout.write(`${what.padEnd(48)}${shown}${wanted}${missed ? "  MISSED" : ""}\n`);
  }
}

function measured(part: string, quick: boolean): NativeRow[] {
  const args = ["--import", "tsx", CHILD, quick ? "quick" : "full", part];
  const child = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error("the native benchmark failed; see netmem doctor");
  return JSON.parse(child.stdout.trim().split("\n").at(-1)!) as NativeRow[];
}
