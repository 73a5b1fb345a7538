import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.js";

const cache = mkdtempSync(join(tmpdir(), "netmem-vm-cache-"));
afterAll(() => rmSync(cache, { recursive: true }));

describe("netmem vm", () => {
  it.each(["vm prepare", "vm run", "vm selftest", "vm shell"])(
    "%s has help with two examples",
    (command) => {
      const { stdout, code } = runCli([...command.split(" "), "--help"]);
      expect(code).toBe(0);
      const examples = stdout.slice(stdout.indexOf("EXAMPLES")).match(/^ +\$ netmem vm /gm) ?? [];
      expect(examples.length).toBeGreaterThanOrEqual(2);
    },
  );

  it("names the pinned kernels where another one is asked for", () => {
    const env = { NETMEM_VM_CACHE: cache };
    const { stderr, code } = runCli(["vm", "prepare", "--kernel", "5.4"], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/no guest kernel is called 5\.4; there are 7\.3, 7\.2/);
  });

  it("says which capture is missing before it boots anything", () => {
    const { stderr, code } = runCli(["vm", "run", "absent.pcap"], {
      env: { NETMEM_VM_CACHE: cache },
    });
    expect(code).toBe(5);
    expect(stderr).toMatch(/absent\.pcap: no such file/);
  });

  it("names the tool that is missing, and its package", () => {
    const env = { NETMEM_VM_CACHE: cache, PATH: cache };
    const { stderr, code } = runCli(["vm", "prepare"], { env });
    expect(code).toBe(4);
    expect(stderr).toMatch(/apt-get install .*qemu-system-x86/);
  });
});
