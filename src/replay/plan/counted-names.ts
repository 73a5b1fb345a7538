import { DROP_REASONS } from "../../engine/probe/drop-reasons.js";
import { TCP_MIB } from "../../engine/tcp/mib.js";

/** Everything that the model can count by name; a gate must know what was never counted, too. */
export const COUNTED_NAMES: {
  readonly drops: readonly string[];
  readonly mibs: readonly string[];
} = { drops: DROP_REASONS, mibs: TCP_MIB };
