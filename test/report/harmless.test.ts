import { expect, test } from "vitest";
import { harmless } from "../../src/report/harmless.js";
import { makeStyle } from "../../src/report/table/style.js";

test("a name's bytes cannot command a terminal", () => {
  const name = "a\u001b]0;title\u0007\r\u009b2J\u007fb.pcap";
  expect(harmless(name)).toBe("a\\x1b]0;title\\x07\\x0d\\x9b2J\\x7fb.pcap");
});

test("our own styles, line ends and any script stay", () => {
  const style = makeStyle(true);
  const paints = [style.bold, style.dim, style.red, style.yellow, style.green];
  const text = paints.map((paint) => paint("na\u00efve \u65e5\u672c\t\u2588")).join("\n");
  expect(harmless(text)).toBe(text);
  expect(harmless(makeStyle(false).red("\u001b[5m"))).toBe("\\x1b[5m");
});
