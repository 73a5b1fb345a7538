import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfigFile } from "../../../src/replay/plan/config-file.js";
import { resolveExplorePlan } from "../../../src/replay/plan/explore-plan.js";
import { readFaultFile } from "../../../src/replay/plan/fault-file.js";
import { readGateFile } from "../../../src/replay/plan/gate-file.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-yaml-"));
afterAll(() => rmSync(folder, { recursive: true }));

const READERS = [
  ["a configuration file", readConfigFile],
  ["a fault plan", readFaultFile],
  ["a gate file", readGateFile],
  ["a plan", (path: string) => resolveExplorePlan({ plan: path })],
] as const;

describe.each(READERS)("%s", (_, read) => {
  it("without end is refused, not read into memory", async () => {
    await expect(read("/dev/zero")).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      message: expect.stringMatching(/\/dev\/zero is larger than 1 MiB/),
    });
  });

  it("with a syntax error is refused with its line", async () => {
    const path = join(folder, "broken.yaml");
    writeFileSync(path, "# a comment\nkey: [1, 2\n");
    await expect(read(path)).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      message: expect.stringMatching(/broken\.yaml:[23]: /),
    });
  });

  it("that is not there is refused with its name", async () => {
    await expect(read(join(folder, "absent.yaml"))).rejects.toThrow(/absent\.yaml: ENOENT/);
  });
});
