import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedDataVersionTag } from "node:v8";
import { expect, test } from "vitest";
import { inlineForLongRun } from "../../../src/replay/measure/v8-flags.js";

const TEN = fileURLToPath(new URL("../../../fixtures/edge/qinq.pcap", import.meta.url));

// V8's tag for compiled code changes with its flags.
test("only a long run asks V8 for deeper inlining", () => {
  const before = cachedDataVersionTag();
  inlineForLongRun(TEN, 1);
  inlineForLongRun("-", 10_000_000);
  inlineForLongRun(join(TEN, "below", "a", "file.pcap"), 1);
  expect(cachedDataVersionTag()).toBe(before);

  inlineForLongRun(TEN, 10_000_000);
  expect(cachedDataVersionTag()).not.toBe(before);
});
