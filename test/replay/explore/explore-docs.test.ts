import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exploreMarkdown } from "../../../src/replay/explore/yield-table.js";

/** `netmem explore --markdown` is the block; UPDATE_EXPLORE=1 writes it instead of comparing. */
const DOC = new URL("../../../docs/explore.md", import.meta.url);

test("docs/explore.md has the pairs and yield points as the models have them", () => {
  const text = readFileSync(DOC, "utf8");
  const made = exploreMarkdown();
  const block = /<!-- explore -->.*<!-- \/explore -->/s;
  const wanted = `<!-- explore -->\n\n${made}\n\n<!-- /explore -->`;
  if (process.env.UPDATE_EXPLORE === "1") {
    writeFileSync(
      DOC,
      text.replace(block, () => wanted),
    );
  } else expect(block.exec(text)![0]).toBe(wanted);
  expect(made.split("\n").filter((line) => line.startsWith("### "))).toHaveLength(21);
});
