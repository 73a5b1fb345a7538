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
    const message = `${backend}: ${flags.join(", ")} ${flags.length === 1 ? "has" : "have"} no effect`;
    return [{ code: "no-effect", message }];
  });
}
