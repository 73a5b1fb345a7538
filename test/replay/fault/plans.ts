import { fileURLToPath } from "node:url";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

const fixture = (path: string) =>
  fileURLToPath(new URL(`../../../fixtures/${path}`, import.meta.url));

/** Captures that plans are tried on. */
export const FIXTURES = {
  http: fixture("kernel/http4.pcap"),
  loss: fixture("kernel/loss_reorder.pcap"),
  flows: fixture("kernel/flows64.pcap"),
  noPayload: fixture("edge/no_payload.pcap"),
};

const SMALL = { area: "1MiB", ring: "32", queues: "2", hold: "200us", leaks: "trace" };

/** Replays a fixture under faults, on a small machine, with all providers. */
export function faulty(
  path: string,
  faults: string,
  flags: Readonly<Record<string, string | boolean | undefined>> = {},
): Promise<{ record: NetmemRecord; exitCode: number }> {
  return replay(path, { ...SMALL, fault: faults, ...flags });
}

/** What is wrong with a record: broken invariants, leaks, pools that cannot go. */
export function wrong({ runs }: NetmemRecord): string[] {
  return runs.flatMap(({ provider, violation, leaks }) => {
    if (violation !== undefined) return [`${provider}: ${violation.message}`];
    const out = Number(leaks.count) + Number(leaks.zombies);
    return out > 0 ? [`${provider}: ${JSON.stringify(leaks.byOwner)}`] : [];
  });
}
