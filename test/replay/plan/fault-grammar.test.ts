import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FAULT_KINDS, FAULT_NAMES } from "../../../src/engine/fault/kinds.js";
import { settlePlan } from "../../../src/engine/fault/plan.js";
import { readFaultFile } from "../../../src/replay/plan/fault-file.js";
import { parseFaults } from "../../../src/replay/plan/fault-grammar.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-fault-"));
afterAll(() => rmSync(folder, { recursive: true }));

function plan(text: string): string {
  const path = join(folder, "plan.yaml");
  writeFileSync(path, text);
  return path;
}

describe("--fault", () => {
  it.each([
    ["link-down@1000", { at: "packet", packet: 1000 }],
    ["link-down@1.5ms", { at: "time", ns: 1_500_000 }],
    ["link-down@3:64KiB", { at: "byte", stream: 3, byte: 65_536 }],
    ["link-down@0:1448", { at: "byte", stream: 0, byte: 1448 }],
    ["link-down@random", { at: "random", within: 1000 }],
    ["link-down@random,within=50", { at: "random", within: 50 }],
  ])("takes the moment of %s", (text, when) => {
    expect(parseFaults(text)).toMatchObject([{ kind: "link-down", when }]);
  });

  it("takes every kind, each argument with its default", () => {
    for (const name of FAULT_NAMES) {
      const [fault] = parseFaults(`${name}@1`);
      expect(Object.keys(fault!.args)).toEqual(Object.keys(FAULT_KINDS[name].args));
    }
    expect(parseFaults("loss@random,rate=2.5%")[0]!.args).toEqual({ count: 1, rate: 2.5 });
    expect(parseFaults("app-hang@5ms,for=2s")[0]!.args).toEqual({ for: 2e9 });
  });

  it("tells a list of faults from a list of arguments", () => {
    const faults = parseFaults("slow-reader@5ms,by=1ms,for=2s,loss@3,count=2,peek@9");
    expect(faults.map(({ text }) => text)).toEqual([
      "slow-reader@5ms,by=1ms,for=2s",
      "loss@3,count=2",
      "peek@9",
    ]);
  });

  it.each([
    ["los@3", "names no kind of fault (los): write loss"],
    ["@3", "names no kind of fault (nothing)"],
    ["loss", "needs a moment: write loss@WHEN"],
    ["loss@", "needs a moment"],
    ["loss@0", "has packet 0: packets are counted from 1"],
    ["xyzzy@3", "names no kind of fault (xyzzy): netmem fault kinds lists them"],
    ["loss@5,rate=1%", "has a rate, which goes with @random: write loss@random,rate=1%"],
    ["restart-fails@5,times=3", "has times=3: write a whole number from 1 to 2"],
    ["header-split@5,to=7", "has to=7: write a whole number from 0 to 1"],
    ["partial-return@5,every=0", "has every=0: write a whole number from 1"],
    ["peek@5,count=0", "has count=0: write a whole number from 1"],
    ["loss@soon", "has no moment soon"],
    ["loss@5", null],
    ["loss@5parsecs", "has an unknown unit parsecs"],
    ["loss@5,cuont=2", "has an unknown argument cuont: loss takes count"],
    ["link-down@5,for=2s", "has an unknown argument for: link-down takes none"],
    ["loss@5,count", "has count, which is no name=value"],
    ["loss@random,rate=1", "write a share such as rate=1%"],
    ["loss@1:4096", "loss happens on the wire, which knows no bytes of streams"],
  ])("%s: %s", (text, message) => {
    if (message === null) expect(() => parseFaults(text)).not.toThrow();
    else expect(() => parseFaults(text)).toThrow(message);
  });

  it("becomes a usage error with the flag's own words", async () => {
    const flags = { fault: ["los@3"] };
    await expect(resolveConfig({ flags, environment: {}, cwd: "/" })).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      message: "--fault los@3 names no kind of fault (los): write loss",
    });
  });
});

describe("a plan file", () => {
  it("has faults as text and as maps, before those of the flags", async () => {
    const path = plan("- app-hang@5ms,for=2s\n- fault: loss\n  at: random\n  rate: 1%\n");
    const flags = { "fault-plan": path, fault: ["peek@3"] };
    const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
    expect(config.faults.map(({ text }) => text)).toEqual([
      "app-hang@5ms,for=2s",
      "loss@random,rate=1%",
      "peek@3",
    ]);
  });

  it.each([
    ["- peek@1\n- hoader@2\n", ":2: this fault names no kind of fault (hoader): write hoarder"],
    ["- fault: loss\n", ":1: this fault needs a moment"],
    ["fault: loss\n", ": not a list of faults"],
    ["- [loss, 3]\n", ":1: this fault is neither text nor a map"],
    ["- {a\n", ":"],
  ])("is refused with its line: %j", async (text, message) => {
    const path = plan(text);
    await expect(readFaultFile(path)).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      message: expect.stringContaining(`${path}${message}`),
    });
  });

  it("that does not exist is named", async () => {
    const path = join(folder, "none.yaml");
    await expect(readFaultFile(path)).rejects.toThrow(`fault plan ${path}: ENOENT`);
  });
});

describe("random moments", () => {
  it("are drawn by the seed", () => {
    const faults = parseFaults("link-down@random,link-up@random,within=40,loss@random,rate=1%");
    const packets = (seed: number) => settlePlan(faults, seed).map(({ when }) => when);
    expect(packets(1)).toEqual(packets(1));
    expect(packets(1)).not.toEqual(packets(2));
    expect(packets(1)[2]).toEqual({ at: "random", within: 1000 });
    for (let seed = 0; seed < 50; seed++) {
      const [, second] = packets(seed) as Array<{ packet: number }>;
      expect(second!.packet).toBeGreaterThanOrEqual(1);
      expect(second!.packet).toBeLessThanOrEqual(40);
    }
  });
});
