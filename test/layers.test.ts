import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkLayers, LAYER_RULES } from "./support/tidy-layers.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A tree in which every import is allowed. */
const CLEAN: Readonly<Record<string, string>> = {
  "src/commands/replay.ts": 'import "@oclif/core";\nimport "../replay/run.js";\n',
  "src/replay/run.ts": 'import "node:fs";\nimport "../engine/host.js";\n',
  "src/replay/record/schema.ts": 'import "zod";\n',
  "src/replay/record/names.ts": "export const RECORD = 1;\n",
  "src/replay/plan/config.ts": 'import "yaml";\nimport "zod";\n',
  "src/replay/capture/classic.ts": 'import "pcap-parser";\n',
  "src/replay/measure/histogram.ts": 'import "hdr-histogram-js";\n',
  "src/report/histogram.ts": 'import "hdr-histogram-js";\n',
  "src/report/table/latency.ts": 'import "cli-table3";\nimport "../../replay/record/names.js";\n',
  "src/start/main.ts": "export const load = 0;\n",
  "src/engine/host.ts":
    'import "./provider/page.js";\nimport "./app/reader.js";\nimport "./driver/napi.js";\n',
  "src/engine/netmem/state.ts": "export const FREE = 0;\n",
  "src/engine/wire/seq.ts": "export const SEQ = 0;\n",
  "src/engine/kernel/profile.ts": "export const PROFILE = 0;\n",
  "src/engine/probe/stages.ts": 'import "../netmem/state.js";\n',
  "src/engine/ledger/ledger.ts": 'import "../netmem/state.js";\nimport "../probe/stages.js";\n',
  "src/engine/skb/skb.ts": 'import "../netmem/state.js";\nimport "../ledger/ledger.js";\n',
  "src/engine/provider/provider.ts":
    'import type { Pool } from "../page-pool/pool.js";\nexport type Owner = Pool;\n',
  "src/engine/provider/page.ts":
    'import "./provider.js";\nexport interface Area { readonly id: number }\n',
  "src/engine/page-pool/pool.ts":
    'import "../provider/provider.js";\nexport interface Pool { readonly id: number }\n',
  "src/engine/driver/napi.ts": 'import "../page-pool/pool.js";\nimport "../skb/skb.js";\n',
  "src/engine/tcp/receive.ts": 'import "../skb/skb.js";\nimport "../wire/seq.js";\n',
  "src/engine/lifecycle/life.ts": 'import "../driver/napi.js";\nimport "../provider/page.js";\n',
  "src/engine/fault/plan.ts": 'import "../driver/napi.js";\nimport "../provider/page.js";\n',
  "src/engine/ip/input.ts": 'import "../skb/skb.js";\n',
  "src/engine/app/reader.ts":
    'import "../tcp/receive.js";\n' +
    'import type { Area } from "../provider/page.js";\nexport type A = Area;\n',
};

/** Each plants one file into the clean tree, and names the rule that must find it. */
const PLANTED: ReadonlyArray<readonly [rule: string, file: string, text: string]> = [
  ["no-cycles", "src/engine/netmem/state.ts", 'import "../probe/stages.js";\n'],
  ["engine-knows-nothing-above", "src/engine/tcp/up.ts", 'import "../../replay/run.js";\n'],
  ["engine-is-pure", "src/engine/tcp/npm.ts", 'import "zod";\n'],
  ["engine-is-pure-of-node", "src/engine/tcp/host.ts", 'import "node:fs";\n'],
  ["engine-is-pure-of-node", "src/engine/tcp/bare.ts", 'import "fs";\n'],
  ["engine-wire", "src/engine/wire/up.ts", 'import "../netmem/state.js";\n'],
  ["engine-netmem", "src/engine/netmem/up.ts", 'import "../wire/seq.js";\n'],
  ["engine-ledger", "src/engine/ledger/up.ts", 'import "../skb/skb.js";\n'],
  ["engine-skb", "src/engine/skb/up.ts", 'import "../tcp/receive.js";\n'],
  ["engine-provider", "src/engine/provider/up.ts", 'import "../skb/skb.js";\n'],
  ["engine-page-pool", "src/engine/page-pool/up.ts", 'import "../skb/skb.js";\n'],
  ["engine-driver", "src/engine/driver/up.ts", 'import "../tcp/receive.js";\n'],
  ["engine-tcp", "src/engine/tcp/down.ts", 'import "../page-pool/pool.js";\n'],
  ["engine-app", "src/engine/app/side.ts", 'import "../driver/napi.js";\n'],
  ["engine-app", "src/engine/app/dynamic.ts", 'export const x = import("../driver/napi.js");\n'],
  [
    "engine-provider-types-only",
    "src/engine/provider/call.ts",
    'import { Pool } from "../page-pool/pool.js";\nexport const p = Pool;\n',
  ],
  ["engine-unknown-folder", "src/engine/host2.ts", 'import "./misc/odd.js";\n'],
  ["only-host-names-a-provider", "src/engine/driver/peek.ts", 'import "../provider/page.js";\n'],
  ["applications-make-no-provider", "src/engine/app/peek.ts", 'import "../provider/page.js";\n'],
  ["engine-race", "src/engine/race/up.ts", 'import "../provider/provider.js";\n'],
  ["engine-tcp", "src/engine/tcp/end.ts", 'import "../lifecycle/life.js";\n'],
  ["engine-knows-no-faults", "src/engine/tcp/fault.ts", 'import "../fault/plan.js";\n'],
  ["engine-lifecycle", "src/engine/lifecycle/up.ts", 'import "../host.js";\n'],
  ["engine-ip", "src/engine/ip/up.ts", 'import "../tcp/receive.js";\n'],
  ["only-host-names-a-provider", "src/replay/peek.ts", 'import "../engine/provider/page.js";\n'],
  ["commands-are-thin", "src/commands/thick.ts", 'import "../engine/host.js";\n'],
  ["nobody-calls-commands", "src/replay/up.ts", 'import "../commands/replay.js";\n'],
  [
    "schemas-are-for-reading",
    "src/replay/run/check.ts",
    'import { recordSchema } from "../record/schema.js";\nrecordSchema();\n',
  ],
  ["start-stands-alone", "src/start/more.ts", 'import "../replay/run.js";\n'],
  ["nobody-calls-start", "src/replay/begin.ts", 'import "../start/main.js";\n'],
  ["replay-below-report", "src/replay/print.ts", 'import "../report/table/latency.js";\n'],
  ["report-reads-records-only", "src/report/peek.ts", 'import "../replay/run.js";\n'],
  ["report-reads-records-only", "src/report/deep.ts", 'import "../engine/wire/seq.js";\n'],
  ["door-oclif", "src/replay/cli.ts", 'import { x } from "@oclif/core";\nx();\n'],
  ["door-pcapparser", "src/replay/capture/second.ts", 'import "pcap-parser";\n'],
  ["door-hdrhistogramjs", "src/report/hdr.ts", 'import "hdr-histogram-js";\n'],
  ["door-clitable3", "src/commands/table.ts", 'import "cli-table3";\n'],
  ["door-zod", "src/report/check.ts", 'import type * as z from "zod";\nexport type Z = z;\n'],
  ["door-yaml", "src/commands/config.ts", 'import "yaml";\n'],
  ["library-without-a-door", "src/replay/other.ts", 'import "left-pad";\n'],
  ["nothing-unresolved", "src/replay/gone.ts", 'import "./nowhere.js";\n'],
  ["nothing-unresolved", "src/replay/absent.ts", 'import "not-installed";\n'],
];

const LIBRARIES = "@oclif/core pcap-parser hdr-histogram-js cli-table3 zod yaml left-pad".split(
  " ",
);

let root = "";

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "netmem-layers-"));
  write("package.json", '{ "type": "module" }');
  for (const name of LIBRARIES) {
    // An exports map without `main`, as the packages of today have it.
    const manifest = { name, version: "1.0.0", exports: { ".": { import: "./lib/entry.js" } } };
    write(`node_modules/${name}/package.json`, JSON.stringify(manifest));
    write(`node_modules/${name}/lib/entry.js`, "export const x = 0;\n");
  }
  write("src/engine/misc/odd.ts", "export const ODD = 0;\n");
  for (const [file, text] of Object.entries(CLEAN)) write(file, text);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("layers", () => {
  it("hold in this project", async () => {
    const { findings, modules } = await checkLayers(ROOT);
    expect(findings).toEqual([]);
    expect(modules).toBeGreaterThan(10);
  });

  it("let a clean tree pass", async () => {
    const { findings, modules } = await checkLayers(root);
    expect(findings).toEqual([]);
    expect(modules).toBeGreaterThanOrEqual(Object.keys(CLEAN).length);
  });

  it.each(PLANTED)("%s finds %s", async (rule, file, text) => {
    write(file, text);
    const { findings } = await checkLayers(root);
    if (CLEAN[file] === undefined) rmSync(join(root, file));
    else write(file, CLEAN[file]);
    const names = findings.map((finding) => finding.split(":")[0]);
    expect(names).toContain(rule);
  });

  it("have a planted example each, but for the leaves and packages not in use", () => {
    const found = new Set(PLANTED.map(([rule]) => rule));
    const without = LAYER_RULES.map((rule) => rule.name ?? "").filter((name) => !found.has(name));
    const allowed = [
      "engine-clock",
      "engine-kernel",
      "engine-memory",
      "engine-probe",
      "door-ansis",
      "door-koffi",
    ];
    expect(without.filter((name) => !allowed.includes(name))).toEqual([]);
  });
});
