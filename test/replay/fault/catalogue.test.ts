import { describe, expect, it } from "vitest";
import { CATALOGUE, playOnce, playRow } from "../../../src/engine/fault/catalogue/catalogue.js";
import { talk } from "../../../src/engine/fault/catalogue/frames.js";
import { KERNEL_PROFILES, withRegression } from "../../../src/engine/kernel/profile.js";
import { EXIT } from "../../../src/replay/error.js";
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
