import { withoutEffect } from "../plan/effects.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { NetmemRecord } from "../record/schema.js";
import { guestFacts } from "./guest-facts.js";

/** Flags that some backends passed over, one warning a backend. A guest's are not the user's. */
export function uselessFlags(
  backends: readonly string[],
  config: ReplayConfig,
): NetmemRecord["warnings"] {
  if (guestFacts() !== null) return [];
  return backends.flatMap((backend) => {
    const flags = withoutEffect(backend, config);
    if (flags.length === 0) return [];
    const verb = flags.length === 1 ? "has" : "have";
    return [{ code: "no-effect", message: `${backend}: ${flags.join(", ")} ${verb} no effect` }];
  });
}
