import { arch, availableParallelism, cpus, release, type } from "node:os";
import type { Machine } from "../record/parts.js";

let known: Machine | undefined;

/** This machine as records name it: what must be the same for host times to be compared. */
export function machine(): Machine {
  known ??= {
    cpu: (cpus()[0]?.model ?? "unknown").trim(),
    cpus: availableParallelism(),
    arch: arch(),
    os: `${type()} ${release()}`,
    node: process.version,
  };
  return { ...known };
}
