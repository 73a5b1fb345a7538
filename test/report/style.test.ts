import { describe, expect, it } from "vitest";
import { styleFor } from "../../src/report/table/style.js";

const colours = (isTTY: boolean, environment: Record<string, string>) =>
  styleFor({ isTTY }, environment).red("x") !== "x";

describe("colour", () => {
  it.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { TERM: "dumb" }, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [false, { FORCE_COLOR: "1" }, true],
    [true, { FORCE_COLOR: "0" }, false],
    [false, { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
  ])("on a terminal: %s, with %j: %s", (isTTY, environment, expected) => {
    expect(colours(isTTY, environment)).toBe(expected);
  });
});
