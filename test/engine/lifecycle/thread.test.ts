import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Counts, crash, LATER, READ, rowsOf, table, UNREAD, whim } from "./thread-table.js";

const DOCUMENT = fileURLToPath(new URL("../../../docs/thread.md", import.meta.url));

/** The document with the tables of `crash` and `whim` between their marks. */
function generated(text: string): string {
  let made = text;
  for (const [name, script] of [
    ["crash", crash],
    ["whim", whim],
  ] as const) {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [made.indexOf(start), made.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/thread.md lacks the marks of ${name}`);
    made = `${made.slice(0, from + start.length)}\n\n${table(script)}\n\n${made.slice(to)}`;
  }
  return made;
}

test("docs/thread.md shows what the model does (UPDATE_THREAD=1 writes it)", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const made = generated(text);
  if (process.env.UPDATE_THREAD === "1") writeFileSync(DOCUMENT, made);
  else expect(text).toBe(made);
});

/** The counts of each column after a step, found by the beginning of its text. */
function countsAfter(script: typeof crash, step: string, last = false): Counts[] {
  return rowsOf(script).map((all) => {
    const rows = all.filter((row) => row.step.startsWith(step));
    return (last ? rows.at(-1) : rows[0])!.counts;
  });
}

describe("a process that dies with buffers between hand-over and return", () => {
  test("leaves all of them with the user when only its threads are gone", () => {
    for (const counts of countsAfter(crash, "the process dies")) {
      expect([counts.user, counts.stack]).toEqual([READ, UNREAD]);
    }
  });

  test("gives TCP's back with the sockets, and only devmem's user's with them", () => {
    const rows = countsAfter(crash, "its sockets");
    expect(rows.map(({ stack }) => stack)).toEqual([0, 0, 0, 0]);
    expect(rows.map(({ user }) => user)).toEqual([READ, 0, READ, READ]);
  });

  test("gives the user's back with the pool under scrub, after its requests with the ifq", () => {
    expect(countsAfter(crash, "its netlink").map(({ user }) => user)).toEqual([0, 0, READ, READ]);
    expect(countsAfter(crash, "0.5 s").map(({ user }) => user)).toEqual([0, 0, 0, READ]);
  });

  test("leaves a zombie for ever when nobody gives them back", () => {
    const rows = countsAfter(crash, "10 minutes");
    expect(rows.map(({ zombies }) => zombies)).toEqual([0, 0, 0, 1]);
    expect(rows.map(({ gone }) => gone)).toEqual([true, true, true, false]);
    expect(rows.map(({ provider }) => provider)).toEqual([128, 128, 128, 128 - READ]);
  });
});

describe("a queue that is reset while a live process reads its buffers", () => {
  test("loses them to scrub, and gets other data into them; keeps them otherwise", () => {
    expect(countsAfter(whim, "the queue").map(({ taken }) => taken)).toEqual([READ, 0, 0, 0]);
    const later = countsAfter(whim, `3, 4: ${LATER}`);
    expect(later.map(({ taken }) => taken)).toEqual([READ, 0, 0, 0]);
    expect(later[0]!.reused).toBeGreaterThan(0);
  });

  test("leaves a zombie until the process gives them back, and none under scrub", () => {
    expect(countsAfter(whim, "the queue").map(({ zombies }) => zombies)).toEqual([0, 1, 1, 1]);
    expect(countsAfter(whim, "2 s", true).map(({ zombies }) => zombies)).toEqual([0, 0, 0, 0]);
    expect(countsAfter(whim, "2 s", true).map(({ user }) => user)).toEqual([0, 0, 0, 0]);
  });
});
