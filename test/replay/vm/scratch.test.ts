import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { withScratch } from "../../../src/replay/vm/scratch.js";

const home = mkdtempSync(join(tmpdir(), "netmem-scratch-"));
afterAll(() => rmSync(home, { recursive: true }));

const SCRATCH = new URL("../../../src/replay/vm/scratch.ts", import.meta.url).href;

describe("a folder for the time of a task", () => {
  it("is there meanwhile, and gone afterwards, also after an error", async () => {
    const seen = await withScratch(join(home, "a-"), async (folder) => {
      writeFileSync(join(folder, "file"), "x");
      return folder;
    });
    expect(existsSync(seen)).toBe(false);
    const failing = withScratch(join(home, "b-"), () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(readdirSync(home)).toEqual([]);
  });

  it("takes along what a killed process left, and leaves a living one's alone", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", "0"]);
    mkdirSync(join(home, `d-${pid}-abc`));
    mkdirSync(join(home, `d-${process.pid}-abc`));
    await withScratch(join(home, "d-"), async () => {});
    expect(readdirSync(home)).toEqual([`d-${process.pid}-abc`]);
    rmSync(join(home, `d-${process.pid}-abc`), { recursive: true });
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])("is gone when %s ends the process", (name, code) => {
    const program = `
      const { withScratch } = await import(${JSON.stringify(SCRATCH)});
      await withScratch(${JSON.stringify(join(home, "c-"))}, async () => {
        process.kill(process.pid, ${JSON.stringify(name)});
        await new Promise((resolve) => setTimeout(resolve, 5000));
      });`;
    const args = ["--import", "tsx", "--input-type=module", "-e", program];
    expect(spawnSync(process.execPath, args).status).toBe(code);
    expect(readdirSync(home)).toEqual([]);
  });
});
