import { describe, expect, it } from "vitest";
import { parseFaults } from "../../../src/replay/plan/fault-grammar.js";
import type { GuestResult } from "../../../src/replay/vm/guest/job.js";
import { outcomeOf, reportsOf } from "../../../src/replay/vm/selftest.js";
import { selftestSteps } from "../../../src/replay/vm/selftest-steps.js";
import { styleFor } from "../../../src/report/table/style.js";
import { vmSelftestTable } from "../../../src/report/table/vm-selftest-table.js";

const STEPS = selftestSteps(400);
const result: GuestResult = { status: 0, stdout: "{}", stderr: "", poolsLeft: 0, inflightLeft: 0 };
const step = (name: string) => STEPS.find((one) => one.name.includes(name))!;

describe("the virtual NIC's own test", () => {
  it("goes through both providers, with a name for each step", () => {
    const names = STEPS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const provider of ["zcrx", "devmem"]) {
      for (const what of ["link flaps", "queue restarts", "SIGKILL", "runs dry", "open after"]) {
        expect(names.some((name) => name.startsWith(provider) && name.includes(what))).toBe(true);
      }
    }
    expect(names).toContain("unload in use is refused");
  });

  it("spreads its faults over the capture, a link up behind each link down", () => {
    const work = step("zcrx: link flaps").work as unknown as { flags: { fault: string } };
    const faults = parseFaults(work.flags.fault);
    expect(faults.map(({ kind }) => kind).slice(0, 4)).toEqual([
      "link-down",
      "link-up",
      "link-down",
      "link-up",
    ]);
    const packets = faults.map(({ when }) => (when as { packet: number }).packet);
    expect(packets).toEqual([...packets].sort((a, b) => a - b));
    expect(Math.max(...packets)).toBeLessThanOrEqual(400);
  });

  it("fails a step that ended otherwise than it should, left a pool, or was not reached", () => {
    const open = step("zcrx: open, traffic");
    expect(outcomeOf(open, result)).toMatchObject({ ok: true, detail: "" });
    expect(outcomeOf(open, { ...result, status: 7, stderr: "two leaks" }).detail).toBe("two leaks");
    expect(outcomeOf(open, { ...result, poolsLeft: 1, inflightLeft: 3 })).toMatchObject({
      ok: false,
      detail: "1 pools left, 3 netmems in them",
    });
    expect(outcomeOf(open, undefined)).toMatchObject({ ok: false, detail: "not reached" });
  });

  it("wants a reader that is to be killed to be killed", () => {
    const killed = step("zcrx: SIGKILL under");
    expect(outcomeOf(killed, result).ok).toBe(false);
    const stdout = JSON.stringify({ error: { message: "ended by SIGKILL" } });
    expect(outcomeOf(killed, { ...result, status: 1, stdout }).ok).toBe(true);
  });

  it("takes the module's own taint for none, and any other for trouble", () => {
    const health = { tainted: 12288, kfence: { allocations: 9, bugs: 0 }, leaks: null };
    expect(reportsOf(health).every(({ ok }) => ok)).toBe(true);
    expect(reportsOf(health)[2]!.text).toBe("not in this kernel");
    const warned = reportsOf({ ...health, tainted: 12288 | (1 << 9) });
    expect(warned.map(({ ok }) => ok)).toEqual([false, true, true]);
    const bugs = { ...health, kfence: { allocations: 9, bugs: 1 }, leaks: 2 };
    expect(reportsOf(bugs).map(({ ok }) => ok)).toEqual([true, false, false]);
  });

  it("prints a line a step, and what failed below", () => {
    const text = vmSelftestTable(
      {
        schema: "netmem.vm-selftest/1",
        capture: "c.pcap",
        guest: {
          release: "7.3.4",
          version: "1",
          sha256: "a".repeat(64),
          pinned: false,
          accelerator: "tcg",
          nmsim: true,
        },
        steps: [
          { name: "load", ok: true, detail: "" },
          { name: "unload", ok: false, detail: "in use" },
        ],
        reports: reportsOf({ tainted: 0, kfence: null, leaks: null }),
        complaints: ["WARNING: at net/core"],
      },
      styleFor({ isTTY: false } as NodeJS.WriteStream, { NO_COLOR: "1" }),
    );
    expect(text).toContain("nmsim on 7.3.4 (unpinned)");
    expect(text).toContain("! 1 of 2 steps failed");
    expect(text).toContain("  unload\n    in use");
    expect(text).toContain("guest kernel: WARNING: at net/core");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
