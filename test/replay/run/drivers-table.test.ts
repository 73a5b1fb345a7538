import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../../../src/engine/driver/profile.js";
import type { RunRecord } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

/** docs/drivers.md's table of a starved provider; UPDATE_DRIVERS=1 writes it. */
const DOC = new URL("../../../docs/drivers.md", import.meta.url);
const UPDATE = process.env.UPDATE_DRIVERS === "1";
const CAPTURE = fileURLToPath(
  new URL("../../../fixtures/kernel/loss_reorder.pcap", import.meta.url),
);
const MARK = /<!-- table: starved -->\n(.*?)\n?<!-- \/table: starved -->/s;

/** The command line of the document, as flags. */
function flagsOf(text: string): Record<string, string> {
  const line = /netmem replay \S+ ([^\n]+--driver) /.exec(text)![1]!;
  return Object.fromEntries(
    [...line.matchAll(/--([a-z-]+) ([^\s-]\S*)/g)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>;
}

async function starved(driver: string): Promise<RunRecord> {
  const flags = flagsOf(readFileSync(DOC, "utf8"));
  const { record } = await replay(CAPTURE, { ...flags, driver });
  return record.runs[0]!;
}

const lost = (run: RunRecord, reason: string) =>
  Number((run.drops as Record<string, unknown>)[reason] ?? 0);

function row(driver: string, run: RunRecord): string {
  const counters = Object.entries(run.driver)
    .filter(([, count]) => Number(count) > 0)
    .map(([name, count]) => `\`${name}\` ${count}`);
  return `| ${[
    driver,
    run.deliveredBytes,
    lost(run, "RX_HW_DROP_OVERRUNS"),
    lost(run, "RX_ALLOC_FAIL"),
    run.pool.hold,
    counters.join(", "),
  ].join(" | ")} |`;
}

describe("a starved provider shows in each driver as on its NIC", () => {
  test("the table of docs/drivers.md", async () => {
    const rows = await Promise.all(
      DRIVERS.map(async (driver) => row(driver, await starved(driver))),
    );
    const head = [
      "| driver | bytes delivered | dropped by the NIC | by the driver | netmems held | counters |",
      "| --- | --- | --- | --- | --- | --- |",
    ];
    const table = [...head, ...rows].join("\n");
    const text = readFileSync(DOC, "utf8");
    if (UPDATE) {
      const block = `<!-- table: starved -->\n${table}\n<!-- /table: starved -->`;
      writeFileSync(
        DOC,
        text.replace(MARK, () => block),
      );
    } else expect(MARK.exec(text)![1]).toBe(table);
  });

  test.each(["fbnic", "gve"])("%s: hardware drops, none by the driver", async (driver) => {
    const run = await starved(driver);
    const name = driver === "gve" ? "rx_no_buffers_posted" : "rde_pkt_bdq_drop";
    expect(lost(run, "RX_HW_DROP_OVERRUNS")).toBeGreaterThan(0);
    expect(run.driver[name]).toBe(lost(run, "RX_HW_DROP_OVERRUNS"));
    expect(lost(run, "RX_ALLOC_FAIL")).toBe(0);
  });

  test("bnxt: rx_oom_discards, none by the hardware", async () => {
    const run = await starved("bnxt");
    expect(lost(run, "RX_ALLOC_FAIL")).toBeGreaterThan(0);
    expect(run.driver.rx_oom_discards).toBe(lost(run, "RX_ALLOC_FAIL"));
    expect([run.driver.rx_discards, lost(run, "RX_HW_DROP_OVERRUNS")]).toEqual([0, 0]);
    expect(run.driver.rx_ucast_packets).toBe(run.packets);
  });
});
