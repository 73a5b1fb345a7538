import type { FlagName } from "./flags.js";
import type { ReplayConfig } from "./replay-config.js";

/** What shapes the modelled machine alone: a kernel has its own, and so has the wire to it. */
const MODEL_FLAGS = [
  "driver",
  "queues",
  "hds",
  "steer",
  "rx-usecs",
  "rx-frames",
  "buffer-size",
  "cost",
  "floor",
] as const satisfies readonly FlagName[];
/** What shapes the engine where it runs: in the model, and on a UMEM. */
const ENGINE_FLAGS = [
  "ring",
  "budget",
  "area",
  "batch",
  "kernel",
  "leaks",
] as const satisfies readonly FlagName[];
/** What names a NIC port. */
const PORT_FLAGS = ["interface", "peer", "queue"] as const satisfies readonly FlagName[];

const OF_LINUX_TCP = [...MODEL_FLAGS, ...ENGINE_FLAGS, ...PORT_FLAGS, "nodev"] as const;

/** Flags of a replay that a backend has no use for. */
const USELESS: Readonly<Record<string, readonly FlagName[]>> = {
  memory: ["coalesce", ...PORT_FLAGS, "nodev"],
  "af-xdp": [...MODEL_FLAGS, "coalesce", "nodev"],
  "kernel-tcp": OF_LINUX_TCP,
  "kernel-tcp-mmap": OF_LINUX_TCP,
  "kernel-page-pool": OF_LINUX_TCP,
};

/** Flags that were given other than by their default, and that a backend has no use for. */
export function withoutEffect(backend: string, { given }: ReplayConfig): string[] {
  return (USELESS[backend] ?? []).filter((flag) => flag in given).map((flag) => `--${flag}`);
}

/** Whether a backend can rebuild a capture's segments. */
export function rebuilds(backend: string): boolean {
  return USELESS[backend]?.includes("coalesce") !== true;
}
