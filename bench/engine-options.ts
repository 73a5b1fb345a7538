import { DEFAULT_COSTS } from "../dist/engine/clock/costs.js";
import { FBNIC } from "../dist/engine/driver/profile.js";
import { KERNEL_PROFILES } from "../dist/engine/kernel/profile.js";
import type { ReceiveOptions } from "../dist/engine/receive-options.js";

/** What the benchmarks measure unless they say otherwise: the defaults of `netmem replay`. */
export const ENGINE_OPTIONS: Omit<ReceiveOptions, "provider"> = {
  kernel: KERNEL_PROFILES["7.3"]!,
  driver: "fbnic",
  queues: 4,
  ring: 1024,
  budget: 64,
  areaBytes: 64 * 1024 * 1024,
  netmemBytes: 4096,
  split: { mode: "on", failEvery: 0 },
  steer: "all",
  ...FBNIC.moderation,
  readDelayNs: 0,
  readSizeBytes: 65536,
  holdNs: 0,
  batch: 1,
  rcvbuf: "capture",
  verifyChecksums: false,
  topspeed: false,
  costs: DEFAULT_COSTS,
  seed: 1,
  leaks: "count",
  intervalNs: null,
};
