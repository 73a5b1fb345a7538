import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  environmentTwin,
  FLAG_NAMES,
  FLAGS,
  type FlagName,
} from "../../../src/replay/plan/flags.js";

const CONTRACT = new URL("../../../../shared/RECORD.md", import.meta.url);

/** Flag names and the default column of the contract's flag table. */
function contractRows(): Array<{ names: string[]; fallback: string }> {
  const rows = readFileSync(CONTRACT, "utf8")
    .split("\n")
    .filter((line) => /^\| `--/.test(line));
  return rows.map((line) => {
    const [, flags, fallback] = line.split("|").map((cell) => cell.trim());
    const names = [...flags!.matchAll(/--([a-z-]+)/g)].map((match) => match[1]!);
    return { names, fallback: fallback! };
  });
}

describe.runIf(existsSync(CONTRACT))("the flag table against the contract", () => {
  it("has every flag", () => {
    const wanted = contractRows().flatMap(({ names }) => names);
    expect(wanted.length).toBeGreaterThan(30);
    expect(wanted.filter((name) => !(name in FLAGS))).toEqual([]);
  });

  it("has the defaults that the contract states as values", () => {
    const own = { rxUsecs: FLAGS["rx-usecs"].fallback, rxFrames: FLAGS["rx-frames"].fallback };
    expect(own).toEqual({ rxUsecs: "driver", rxFrames: "driver" });
    for (const { names, fallback } of contractRows()) {
      const stated = fallback.replaceAll("`", "").split(", ");
      if (stated.length !== names.length && names[0] !== "provider") continue;
      if (/stated|memory:|none/.test(fallback) || fallback === "") continue;
      const wanted = names[0] === "provider" ? [stated.join(",")] : stated;
      const found = names.map((name) => FLAGS[name as FlagName].fallback);
      expect(found, names.join()).toEqual(wanted);
    }
  });
});

describe("the flag table", () => {
  it("gives every flag its own environment twin", () => {
    expect(environmentTwin("read-delay")).toBe("NETMEM_READ_DELAY");
    expect(new Set(FLAG_NAMES.map(environmentTwin)).size).toBe(FLAG_NAMES.length);
  });

  it("has defaults that its own parsers take", () => {
    for (const name of FLAG_NAMES) {
      const { fallback, parse } = FLAGS[name];
      if (fallback !== null) expect(() => parse(fallback), name).not.toThrow();
    }
  });
});
