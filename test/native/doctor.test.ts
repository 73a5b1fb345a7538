import { describe, expect, it } from "vitest";
import { BACKENDS } from "../../src/replay/plan/flags.js";
import type { DoctorDocument } from "../../src/replay/record/doctor.js";
import { runCli } from "../golden/run-cli.js";

describe("netmem doctor", () => {
  const { stdout, code } = runCli(["doctor", "--json"]);
  const document = JSON.parse(stdout) as DoctorDocument;

  it("knows every backend, and says what each lacks", () => {
    expect(code).toBe(0);
    expect(document.schema).toBe("netmem.doctor/1");
    expect(document.backends.map(({ backend }) => backend).sort()).toEqual([...BACKENDS].sort());
    for (const { available, missing } of document.backends) {
      expect(missing.length === 0).toBe(available);
    }
  });

  it("has a row for every capability, with a remedy for each that is missing", () => {
    const names = document.rows.map(({ capability }) => capability);
    const wanted =
      "koffi userns netns tun veth packet-ring tcp-repair tcp-zerocopy-receive bpf af-xdp-copy " +
      "af-xdp-zero-copy page-pool-tracepoints page-pool-netlink huge-pages memlock io-uring " +
      "dma-buf zcrx:lo devmem:lo header-split:lo " +
      "af-xdp-zero-copy:lo";
    expect(wanted.split(" ").filter((name) => !names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    for (const { available, detail, remedy } of document.rows) {
      expect(detail).not.toBe("");
      expect(remedy === null).toBe(available);
    }
  });

  it("prints the same for people", () => {
    const plain = runCli(["doctor"]);
    for (const { backend } of document.backends) expect(plain.stdout).toContain(backend);
  });
});
