import { join } from "node:path";
import { expect, test } from "vitest";
import { DRIVERS } from "../../../src/engine/driver/profile.js";
import { ROOT } from "../../golden/run-cli.js";
import { replay } from "../../support/replay.js";

const CAPTURE = join(ROOT, "fixtures/kernel/flows64.pcap");
/** What each driver calls a packet that its poll took. */
const RECEIVED = { fbnic: "packets", bnxt: "rx_ucast_packets", gve: "rx_packets" } as const;

const cases = DRIVERS.flatMap((driver) =>
  ["queue-restart", "restart-fails", "ring-size", "link-down"].flatMap((fault) =>
    ["page", "devmem"].map((provider) => [driver, fault, provider] as const),
  ),
);

test.each(cases)("%s, %s of %s: every packet was taken or is among the drops", async (...of) => {
  const [driver, fault, provider] = of;
  const flags = { driver, provider, fault: `${fault}@300`, pps: "1000000" };
  const { record } = await replay(CAPTURE, flags);
  const { drops, driver: counters } = record.runs[0]!;
  const lost = Number(drops.RX_HW_DROP_OVERRUNS ?? 0) + Number(drops.NETMEM_QUEUE_STOPPED ?? 0);
  expect(Number(counters[RECEIVED[driver]]) + lost).toBe(record.capture.packets);
});

test.each(DRIVERS)(
  "%s: a link that went down stays down in the passes after it",
  async (driver) => {
    const flags = { driver, provider: "devmem", fault: "link-down@300", loop: "3" };
    const { record } = await replay(CAPTURE, flags);
    expect(record.runs[0]!.violation).toBeUndefined();
    expect(Number(record.runs[0]!.drops.RX_HW_DROP_OVERRUNS)).toBeGreaterThan(640);
  },
);

test.each(DRIVERS)("%s: each pass leaves the same packets unsplit", async (driver) => {
  // 20 segments: every third would be another one in each pass, were they counted on.
  const http = join(ROOT, "fixtures/kernel/http4.pcap");
  const flags = { driver, provider: "devmem", hds: "fail=3", loop: "3" };
  const { record, exitCode } = await replay(http, flags);
  expect(record.warnings.map(({ code }) => code)).not.toContain("payload-mismatch");
  expect(exitCode).toBe(0);
});

test.each(DRIVERS)("%s: passes with a starved provider all deliver the same", async (driver) => {
  const starved = { provider: "devmem", area: "36KiB", queues: "1", ring: "8", hold: "1s" };
  const { record } = await replay(join(ROOT, "fixtures/kernel/loss_reorder.pcap"), {
    ...starved,
    driver,
    pps: "100000",
    loop: "3",
  });
  const { deliveredBytes, drops } = record.runs[0]!;
  expect(Number(drops.RX_HW_DROP_OVERRUNS ?? 0) + Number(drops.RX_ALLOC_FAIL ?? 0)).toBeGreaterThan(
    0,
  );
  expect(Number(deliveredBytes) % 3).toBe(0);
  expect(record.warnings.map(({ code }) => code)).not.toContain("payload-mismatch");
});
