import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { replayWithPlugins } from "../../../src/replay/conform/replay-plugins.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { runReplay } from "../../../src/replay/run/run-replay.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CAPTURE = join(ROOT, "fixtures/edge/segment_lengths.pcap");
const example = (name: string) => join(ROOT, `fixtures/providers/${name}.mjs`);

const folder = mkdtempSync(join(tmpdir(), "netmem-plugin-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, body: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `export const contract = 1; export const name = "${name}";\n${body}`);
  return path;
}

async function replayed(provider: readonly string[], limitMs?: number) {
  const small = { area: "4MiB", queues: "2", ring: "64" };
  const flags = { provider: provider.join(","), ...small, streams: true };
  const config = await resolveConfig({ flags, environment: {}, cwd: folder });
  const hooks = { signal: new AbortController().signal, warn: () => {} };
  const result = await replayWithPlugins(config, [CAPTURE], hooks, runReplay, limitMs);
  return { record: result.document as NetmemRecord, exitCode: result.exitCode };
}

const providersOf = (record: NetmemRecord) => record.runs.map(({ provider }) => provider);

describe("a provider module in a replay", () => {
  test("delivers what netmem's own page provider delivers, without a leak", async () => {
    const modules = ["huge-page", "driver-frag-cache"].map(example);
    const { record, exitCode } = await replayed(["page", ...modules]);
    expect(exitCode).toBe(0);
    expect(providersOf(record)).toEqual(["page", "huge-page", "driver-frag-cache"]);
    expect(record.config.provider).toEqual(["page", ...modules]);
    const [page, ...others] = record.runs;
    for (const run of others) {
      expect(run.streams).toEqual(page!.streams);
      expect(run.deliveredBytes).toBe(page!.deliveredBytes);
      expect([run.leaks.count, run.leaks.zombies]).toEqual([0, 0]);
      expect(run.pool.allocSlow).toBe(0);
    }
  });

  test("may stand alone", async () => {
    const { record, exitCode } = await replayed([example("huge-page")]);
    expect([providersOf(record), exitCode]).toEqual([["huge-page"], 0]);
  });

  test("gives the same record each time but for the host", async () => {
    const strip = ({ record }: { record: NetmemRecord }) =>
      JSON.stringify(record.runs.map((run) => ({ ...run, host: null })));
    const path = example("driver-frag-cache");
    expect(strip(await replayed([path]))).toBe(strip(await replayed([path])));
  });

  test("that leaks costs the others nothing: the rule it broke, exit code 7", async () => {
    const { record, exitCode } = await replayed(["page", example("leaky"), example("huge-page")]);
    expect(exitCode).toBe(7);
    expect(providersOf(record)).toEqual(["page", "leaky", "huge-page"]);
    const broken = record.runs.map(({ violation }) => violation?.message ?? null);
    expect(broken).toEqual([null, expect.stringMatching(/invariant 4: leaky/), null]);
  });

  test.each([
    ["throws", `export function create() { throw new Error("not today"); }`, /not today/],
    ["hangs", "export function create() { for (;;) {} }", /create did not come back within 3000/],
    ["leaves", "export function create() { process.exit(3); }", /exit code 3/],
    ["is-none", "export function create() { return 7; }", /create answered 7, not a provider/],
  ])("that %s costs the others nothing", async (name, body, message) => {
    const { record, exitCode } = await replayed(["devmem", written(name, body)], 3000);
    expect([providersOf(record), exitCode]).toEqual([["devmem"], 7]);
    const failure = record.warnings.find(({ code }) => code === "provider-failed");
    expect(failure!.message).toMatch(message);
  });

  test("alone and broken is an error with a code", async () => {
    const path = written("alone", "export function create() { return null; }");
    await expect(replayed([path])).rejects.toMatchObject({ code: "NETMEM_PROVIDER_FAULT" });
    const absent = join(folder, "absent.mjs");
    await expect(replayed([absent])).rejects.toMatchObject({
      code: "NETMEM_PROVIDER",
      exitCode: 2,
    });
  });

  test("does not read standard input", async () => {
    const flags = { provider: example("huge-page") };
    const config = await resolveConfig({ flags, environment: {}, cwd: folder });
    const hooks = { signal: new AbortController().signal, warn: () => {} };
    await expect(replayWithPlugins(config, ["-"], hooks, runReplay)).rejects.toThrow(
      /standard input/,
    );
  });
});
