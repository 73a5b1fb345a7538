import { describe, expect, it } from "vitest";
import { CATALOGUE, playOnce, playRow } from "../../../src/engine/fault/catalogue/catalogue.js";
import { talk } from "../../../src/engine/fault/catalogue/frames.js";
import { KERNEL_PROFILES, withRegression } from "../../../src/engine/kernel/profile.js";
import { RACE_PAIRS } from "../../../src/engine/race/pairs.js";
import { EXIT } from "../../../src/replay/error.js";
import { faultEntries } from "../../../src/replay/fault/catalogue.js";
import { exploredAsExpected } from "../../../src/replay/fault/explored.js";
import { runFaults } from "../../../src/replay/fault/run-faults.js";
import { faultSchema } from "../../../src/replay/record/fault-schema.js";
import { FIXTURES } from "./plans.js";

const TODAY = KERNEL_PROFILES["7.3"]!;
const signal = new AbortController().signal;

describe("the catalogue", () => {
  it("has F1 to F40, each with its source, stage and promise", () => {
    expect(CATALOGUE.map(({ id }) => id)).toEqual(
      Array.from({ length: 40 }, (_, i) => `F${i + 1}`),
    );
    for (const row of CATALOGUE) {
      for (const text of [row.title, row.source, row.invariant, row.staged, row.promised]) {
        expect(text.length, row.id).toBeGreaterThan(3);
      }
    }
  });

  it("needs no more than three exceptions", () => {
    expect(CATALOGUE.filter(({ exception }) => exception !== undefined).length).toBeLessThan(4);
  });

  it.each(CATALOGUE.map((row) => [row.id, row] as const))(
    "%s is clean today, and found with its bug",
    (_, row) => {
      const { clean, detected } = playRow(row, TODAY, null);
      expect(clean).toBeNull();
      expect(detected).not.toBeNull();
      expect(detected!.message).not.toBe("");
      expect(detected!.owner).toMatch(/^(pool(Cache|Ring)|driver|stack|app|fallback|provider)$/);
      expect(detected!.transition).toMatch(/^([TDZ]\d+ |\w+$)/);
    },
  );

  it("finds a bug by what it does, not by its name", () => {
    // Each row under the bug of the next one. F28 ends a whole path, where F29's driver shows.
    const noticed = CATALOGUE.filter((row, i) => {
      const other = CATALOGUE[(i + 1) % CATALOGUE.length]!.id;
      return playOnce(row, withRegression(TODAY, other), talk()) !== null;
    });
    expect(noticed.map(({ id }) => id)).toEqual(["F28"]);
  });

  it("names the netmem and its story where there is one", () => {
    const stories = CATALOGUE.map((row) => playRow(row, TODAY, null).detected!).filter(
      ({ netmem, history }) => netmem >= 0 && history.length > 0,
    );
    expect(stories.length).toBeGreaterThan(15);
  });
});

describe("fault run", () => {
  it("answers with a document of its schema", async () => {
    const { document, exitCode } = await runFaults(["F12,F17", "f1"], null, signal);
    expect(faultSchema.parse(document)).toEqual(document);
    expect(document.faults.map(({ id }) => id)).toEqual(["F12", "F17", "F1"]);
    expect(document.faults[0]).toMatchObject({ clean: true, detected: true, exception: null });
    expect(exitCode).toBe(EXIT.done);
  });

  it("explores a race in all interleavings, with and without its bug", async () => {
    const { document } = await runFaults(["F1,F2,F12"], null, signal);
    const [f1, f2, f12] = document.faults;
    expect(f12!.explored).toBeNull();
    expect(f1!.explored).toMatchObject([{ pair: "refill-scrub", survived: true, size: 3 }]);
    const [seen] = f1!.explored!;
    expect(Number(seen!.schedules)).toBeGreaterThan(1e6);
    expect(seen!.found).toMatchObject({ steps: 8, owner: "poolCache", size: 1 });
    expect(f2!.explored![0]!.found!.text).not.toBe(seen!.found!.text);
  });

  it("knows every row that the pairs put back, and explores no other", async () => {
    const races = [...new Set(RACE_PAIRS.flatMap((pair) => pair.regressions.map(({ id }) => id)))]
      .filter((id) => /^F\d+$/.test(id))
      .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
    const { document } = await runFaults(["all"], null, signal);
    const explored = document.faults.filter((row) => row.explored !== null);
    expect(explored.map(({ id }) => id)).toEqual(races);
    expect(explored.every((row) => exploredAsExpected(row.explored))).toBe(true);
    expect(faultEntries().filter(({ pairs }) => pairs.length > 0)).toHaveLength(races.length);
  });

  it("fails where a schedule breaks a rule of today, or a bug hides from all of them", () => {
    const seen = { pair: "p", size: 1, states: 1, schedules: 1 };
    const found = { size: 1, steps: 1, text: "t", owner: "app", transition: "x" };
    expect(exploredAsExpected(null)).toBe(true);
    expect(exploredAsExpected([{ ...seen, survived: true, found }])).toBe(true);
    expect(exploredAsExpected([{ ...seen, survived: false, found }])).toBe(false);
    expect(exploredAsExpected([{ ...seen, survived: true, found: null }])).toBe(false);
  });

  it("stages rows on a capture that shows them, else on traffic of their own", async () => {
    const { document } = await runFaults(["F17,F20,F12"], FIXTURES.http, signal);
    expect(document.faults.map(({ on, detected }) => [on, detected])).toEqual([
      ["capture", true],
      ["capture", true],
      ["parts", true],
    ]);
    const empty = await runFaults(["F17"], FIXTURES.noPayload, signal);
    expect(empty.document.faults).toMatchObject([{ on: "path", clean: true, detected: true }]);
  });

  it("says which row was meant", async () => {
    await expect(runFaults(["F41"], null, signal)).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      message: "the catalogue has no row F41",
    });
  });

  it("stops between rows when it is interrupted", async () => {
    const { document } = await runFaults(["all"], null, AbortSignal.abort());
    expect(document).toMatchObject({ interrupted: true, faults: [] });
  });
});
