import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RACE_PAIRS } from "../../../src/engine/race/pairs.js";
import { runExplore, runSchedule } from "../../../src/replay/explore/run-explore.js";
import { type ExploreAsked, resolveExplorePlan } from "../../../src/replay/plan/explore-plan.js";
import { exploreTable, scheduleTable } from "../../../src/report/table/explore-table.js";
import { makeStyle } from "../../../src/report/table/style.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-explore-"));
afterAll(() => rmSync(folder, { recursive: true }));

const never = { signal: new AbortController().signal };
const plain = makeStyle(false);

async function explored(asked: ExploreAsked) {
  return runExplore(await resolveExplorePlan({ random: "200", ...asked }), never);
}

describe("explore", () => {
  test("today's rules survive, with exit code 0", async () => {
    const { document, exitCode } = await explored({ plan: "refill-scrub,gro-stop" });
    expect(exitCode).toBe(0);
    expect(document.explorations.map(({ pair }) => pair)).toEqual(["refill-scrub", "gro-stop"]);
    expect(document.summary).toMatchObject({ explored: 2, asExpected: 2, schedulesRun: 400 });
  });

  test("every rule put back is found, and its schedule replays to the same end", async () => {
    const { document, exitCode } = await explored({ regress: "all" });
    expect(exitCode).toBe(0);
    expect(document.explorations.length).toBeGreaterThanOrEqual(35);
    for (const { pair, regress, failure } of document.explorations) {
      const { replay, text, size, schedule } = failure!;
      const asked = { plan: pair, regress, size: `${size}`, schedule: schedule.join(",") };
      const again = runSchedule(await resolveExplorePlan(asked));
      expect({ text: again.document.failure?.text, code: again.exitCode }).toEqual({
        text,
        code: 7,
      });
      expect(again.document.failure?.replay).toBe(replay);
    }
  });

  test("a row of the catalogue is its pairs, under today's rules and with its bug", async () => {
    const { document, exitCode } = await explored({ plan: "f1,gro-stop" });
    expect(exitCode).toBe(0);
    const runs = document.explorations.map((each) => [each.pair, each.regress, each.asExpected]);
    expect(runs).toEqual([
      ["refill-scrub", "", true],
      ["refill-scrub", "F1", true],
      ["gro-stop", "", true],
    ]);
    expect(document.reproduce).toMatch(/^netmem explore F1,gro-stop --size 3/);
    expect(exploreTable(document, plain)).toContain("today's rules; rules put back: F1");
  });

  test("every row that is a race can be named, and its schedule replayed so", async () => {
    const rows = [...new Set(RACE_PAIRS.flatMap((pair) => pair.regressions.map(({ id }) => id)))];
    for (const id of rows.filter((row) => /^F\d+$/.test(row))) {
      const { document, exitCode } = await explored({ plan: id, random: "0" });
      expect({ id, exitCode }).toEqual({ id, exitCode: 0 });
      const { failure } = document.explorations.find(({ regress }) => regress === id)!;
      const asked = { plan: id, size: `${failure!.size}`, schedule: failure!.schedule.join(",") };
      expect(runSchedule(await resolveExplorePlan(asked)).exitCode).toBe(7);
    }
  });

  test("with --regress a row stands for its pairs alone", async () => {
    const { document } = await explored({ plan: "F1", regress: "F2" });
    const runs = document.explorations.map(({ pair, regress }) => [pair, regress]);
    expect(runs).toEqual([["refill-scrub", "F2"]]);
    expect(document.reproduce).toContain("netmem explore F1 --regress F2 --size");
  });

  test("the same plan and seed give the same document but for the host", async () => {
    const [a, b] = await Promise.all([explored({ seed: "9" }), explored({ seed: "9" })]);
    expect({ ...a.document, host: null }).toEqual({ ...b.document, host: null });
  });

  test("a bound on states leaves the rest to chance, and says so", async () => {
    const { document } = await explored({ plan: "unmap-sync", bound: "100" });
    expect(document.explorations[0]).toMatchObject({ complete: false, covered: 0 });
    expect(exploreTable(document, plain)).toContain("bound reached");
  });

  test("an interrupt ends it between two pairs", async () => {
    const plan = await resolveExplorePlan({ random: "0" });
    const abort = new AbortController();
    const onPair = (done: number) => done === 2 && abort.abort();
    const { document } = await runExplore(plan, { signal: abort.signal, onPair });
    expect(document.summary).toMatchObject({ explored: 2, interrupted: true });
  });

  test("an interrupt ends it within a pair, whose verdict says how far it came", async () => {
    const plan = await resolveExplorePlan({ plan: "unmap-sync", random: "100000000" });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    const { document } = await runExplore(plan, { signal: abort.signal });
    const [verdict] = document.explorations;
    expect(document.summary).toMatchObject({ explored: 1, interrupted: true });
    expect(verdict!.random.schedules).toBeLessThan(100_000_000);
    expect(exploreTable(document, plain)).toContain("interrupted");
  });

  test("prints in 80 columns", async () => {
    const { document } = await explored({ regress: "F8,F15" });
    const lines = exploreTable(document, plain).split("\n");
    expect(lines.filter((line) => line.length > 80 && !line.includes("--schedule"))).toEqual([]);
    const plan = await resolveExplorePlan({ plan: "gro-stop", schedule: "poll,poll", size: "1" });
    expect(scheduleTable(runSchedule(plan).document, plain)).toContain("no rule broken");
  });
});

describe("a plan", () => {
  test("comes from a file, and flags beat it", async () => {
    const path = join(folder, "plan.yaml");
    writeFileSync(path, "pairs: [refill-scrub, two-pools]\nregress: F1\nsize: 2\nseed: 5\n");
    const plan = await resolveExplorePlan({ plan: path, seed: "6" });
    expect(plan).toMatchObject({ pairs: ["refill-scrub"], regress: ["F1"], size: 2, seed: 6 });
  });

  test.each([
    [{ plan: "refill-scrup" }, /no race pair refill-scrup/],
    [{ plan: "F12" }, /F12 is no race/],
    [{ plan: "F41" }, /the catalogue has no row F41/],
    [{ plan: "gro-stop", regress: "F1" }, /no rule F1 to put back/],
    [{ size: "0" }, /size must be a whole number from 1 to 12/],
    [{ plan: "absent.yaml" }, /absent.yaml: ENOENT/],
    [{ schedule: "a,b" }, /--schedule needs one pair/],
  ])("%j is refused", async (asked, message) => {
    await expect(resolveExplorePlan(asked)).rejects.toThrow(message);
  });

  test("with an unknown key is refused with the key", async () => {
    const path = join(folder, "odd.yaml");
    writeFileSync(path, "pears: [refill-scrub]\n");
    await expect(resolveExplorePlan({ plan: path })).rejects.toThrow(/pears is not known/);
  });

  test("with a schedule that cannot be followed names the place", async () => {
    const plan = await resolveExplorePlan({ plan: "gro-stop", schedule: "poll,stop", size: "1" });
    expect(() => runSchedule(plan)).toThrow(/place 2: stop has to wait/);
    const odd = await resolveExplorePlan({ plan: "gro-stop", schedule: "pool" });
    expect(() => runSchedule(odd)).toThrow(/place 1: no actor pool/);
  });
});
