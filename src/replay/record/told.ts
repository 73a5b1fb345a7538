import type { PoolCounter } from "./names.js";
import type { RunRecord } from "./schema.js";

// A record has a 0 wherever nothing was counted. A model and an engine count everything; of a
// kernel's own receive path only some counts come out, and a 0 of the others says nothing.

/** What page_pool's tracepoints tell. */
const TRACED: readonly PoolCounter[] = ["hold", "release", "inflight"];
/**
 * The drop reasons that every Linux has a counter of its own for (/proc/net/snmp, netstat). Those
 * that later ones count too (BeyondWindow since 6.17, PAWSOldAck) are told where they moved.
 */
const COUNTED_DROPS: readonly string[] = [
  "IP_CSUM",
  "PROTO_MEM",
  "TCP_CSUM",
  "TCP_INVALID_SYN",
  "TCP_OFOMERGE",
  "TCP_OFO_QUEUE_PRUNE",
  "TCP_RFC7323_PAWS",
  "TCP_ZEROWINDOW",
];

/** Whether a run's figure of a pool counter is one that somebody counted. */
export function tellsPool({ backend, native }: RunRecord, counter: PoolCounter): boolean {
  if (native === undefined) return true;
  if (native.pool === null) return false;
  return backend !== "kernel-page-pool" || TRACED.includes(counter);
}

/** Whether a run would have a figure of this drop reason, had there been such drops. */
export function tellsDrop({ backend, drops }: RunRecord, reason: string): boolean {
  return reason in drops || !backend.startsWith("kernel-") || COUNTED_DROPS.includes(reason);
}
