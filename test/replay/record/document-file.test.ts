import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assertWritable, writeWhole } from "../../../src/replay/record/document-file.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netmem-export-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("an exported document", () => {
  it("replaces what was there and leaves nothing else behind", async () => {
    const file = join(folder, "record.json");
    await writeFile(file, "old and longer than the new one");
    await writeWhole(file, "new\n");
    expect(await readFile(file, "utf8")).toBe("new\n");
    expect(await readdir(folder)).toEqual(["record.json"]);
  });

  it("leaves what was there when it cannot be written", async () => {
    const file = join(folder, "missing/record.json");
    await expect(writeWhole(file, "x")).rejects.toMatchObject({ code: "NETMEM_EXPORT" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("goes into a device without replacing it", async () => {
    await writeWhole("/dev/null", "x");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
  });

  it("is refused before the run when its folder is missing", async () => {
    await chmod(folder, 0o700);
    await expect(assertWritable(join(folder, "a.json"))).resolves.toBeUndefined();
    await expect(assertWritable(join(folder, "missing/a.json"))).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      exitCode: 2,
    });
  });
});
