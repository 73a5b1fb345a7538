import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hunt } from "./hunt.js";

// A taste of the fuzzer; `node --import tsx test/fuzz/main.ts --inputs 200000` is the meal.

it("finds nothing in a few hundred inputs, and new things happen in them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "netmem-fuzz-"));
  const found = await hunt({ seed: 11, inputs: 800, seconds: 100, folder });
  rmSync(folder, { recursive: true });
  expect(found.findings).toEqual([]);
  expect(found.features).toBeGreaterThan(100);
  expect(found.kept).toBeGreaterThan(20);
  expect(found.errors).toBeGreaterThan(20);
}, 200_000);
