import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { exampleGate } from "../report/gate/gate-rig.js";
import { runCli } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-seeded-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CAPTURE = "fixtures/kernel/flows64.pcap";
/** A small area, so that netmems go round many times. */
const SMALL = ["--area=1MiB", "--queues=1", "--ring=64", "--loop=5", "--topspeed"];

/**
 * A provider module: a plain free list, in which something may go wrong with one return. It stands
 * at the same path each time, as a provider that somebody changed would.
 */
function provider(fault: string): string {
  const path = join(folder, "mine.mjs");
  writeFileSync(
    path,
    `export const contract = 1;
export const name = "mine";
export function create({ netmems }) {
  const free = Array.from({ length: netmems }, (_, n) => n);
  const last = [];
  let returns = 0;
  return {
    init() { return 0; },
    destroy() {},
    allocNetmems() { return free.length > 0 ? free.pop() : last.length > 0 ? last.pop() : -1; },
    releaseNetmem(_pool, netmem) {
      returns++;
      ${fault}
      free.push(netmem);
    },
    *freeNetmems() { yield* free; yield* last; },
  };
}
`,
  );
  return path;
}

/** The example gate of docs/ci.md, without what it says of netmem's own providers. */
function gateFile(): string {
  const path = join(folder, "netmem.gate.yaml");
  const own = exampleGate()
    .replace("{provider=page}", "")
    .replace(/.*\{provider=devmem\}.*\n/, "");
  writeFileSync(path, own);
  return path;
}

function gate(fault: string) {
  const shared = [CAPTURE, `--provider=${provider(fault)}`, `--baselines=${folder}`, ...SMALL];
  const file = gateFile();
  return {
    save: () => runCli(["baseline", "save", "main", ...shared]),
    hold: () => runCli(["gate", ...shared, `--file=${file}`]),
  };
}

describe("the example gate on a provider that somebody changed", () => {
  it("passes what did not change", () => {
    const same = gate("");
    expect(same.save()).toMatchObject({ code: 0, stderr: "" });
    expect(same.hold()).toMatchObject({ code: 0, stderr: "" });
  });

  it("catches one leaked netmem: the run breaks off, and that is no pass", () => {
    const { code, stdout, stderr } = gate("if (returns === 1) return;").hold();
    expect(stdout).toBe("");
    expect(stderr).toMatch(/mine broke off: .*255 free \+ 0 in pools \+ 0 outside of 256/);
    expect(code).toBe(7);
  });

  it("shows the same in a comparison of the two", () => {
    const line = `netmem replay ${CAPTURE} ${SMALL.join(" ")} --provider`;
    const sides = ["--base", `${line} ${provider("")}`, "--head", `${line} zcrx`];
    const { code, stdout } = runCli(["compare", "--repetitions=1", ...sides]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("2 columns against base")]);
    const broken = provider("if (returns === 1) return;");
    const matrix = ["compare", CAPTURE, `--provider=page,${broken}`, "--repetitions=1", ...SMALL];
    const found = runCli(matrix);
    expect(found.code).toBe(7);
    expect(found.stdout).toMatch(/mine broke off: invariant 4/);
  });
});
