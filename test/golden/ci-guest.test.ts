import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../.ci/guest", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "netmem-ci-"));
afterAll(() => rmSync(folder, { recursive: true }));

// In the place of netmem: ends with the next of the codes that are given, then with 0.
const NETMEM = `#!/bin/sh
read -r codes < codes
set -- $codes
echo "\${codes#* } 0" > codes
exit $1
`;

function guestPart(...codes: number[]) {
  for (const part of [".ci", "bin"]) mkdirSync(join(folder, part), { recursive: true });
  copyFileSync(SCRIPT, join(folder, ".ci/guest"));
  writeFileSync(join(folder, "bin/run.js"), NETMEM);
  writeFileSync(join(folder, "codes"), `${[...codes, 0, 0, 0, 0, 0].join(" ")}\n`);
  for (const file of [".ci/guest", "bin/run.js"]) chmodSync(join(folder, file), 0o755);
  const { status, stdout } = spawnSync(join(folder, ".ci/guest"), { encoding: "utf8" });
  return { status, stdout };
}

describe("the guest's part of CI", () => {
  it("passes where all of it passes", () => {
    const { status, stdout } = guestPart(0, 0, 0, 0);
    expect(stdout).toMatch(/^ci: guest: done after \d+s\n$/);
    expect(status).toBe(0);
  });

  it("is skipped by name where no guest can be made", () => {
    const { status, stdout } = guestPart(4);
    expect([status, stdout]).toEqual([0, "ci: guest: skipped: no guest can be made here\n"]);
  });

  it("tries once more after a boot that died, and no more", () => {
    expect(guestPart(0, 1, 0, 0, 0).status).toBe(0);
    const { status, stdout } = guestPart(0, 0, 1, 1);
    expect(status).toBe(1);
    expect(stdout).toMatch(/try 2.*\n.*devmem.*ended with 1/);
  });

  it.each([2, 4, 7])("fails on a step that ends with %i, and does not try again", (code) => {
    const { status, stdout } = guestPart(0, 0, code);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`^ci: guest: .*devmem.* ended with ${code}\\n$`));
  });

  it("reports what the virtual NIC's own test comes to", () => {
    const { status, stdout } = guestPart(0, 0, 0, 7);
    expect(status).toBe(0);
    expect(stdout).toMatch(/vm selftest.* ended with 7\nci: guest: done/);
  });
});
