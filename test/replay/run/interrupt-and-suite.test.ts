import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Ledger } from "../../../src/engine/ledger/ledger.js";
import { EXIT } from "../../../src/replay/error.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import {
  type NetmemRecord,
  type NetmemSuite,
  recordSchema,
  suiteSchema,
} from "../../../src/replay/record/schema.js";
import type { ReplayHooks } from "../../../src/replay/run/contract.js";
import { runReplay } from "../../../src/replay/run/run-replay.js";
import { captureFiles, hasSharedCaptures } from "../../support/captures.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
const FLAGS = { area: "4MiB", ring: "64", streams: true };
const NO_HOOKS: ReplayHooks = { signal: new AbortController().signal, warn: () => {} };

async function run(
  paths: readonly string[],
  flags: Record<string, string | boolean> = {},
  hooks: ReplayHooks = NO_HOOKS,
) {
  const config = await resolveConfig({ flags: { ...FLAGS, ...flags }, environment: {}, cwd: "/" });
  return runReplay(config, paths, hooks);
}

const warned = ({ warnings }: NetmemRecord) => warnings.map(({ code }) => code);

describe("an interrupt", () => {
  test("that came before the start still gives a sound record", async () => {
    const signal = AbortSignal.abort();
    const { document } = await run([fixture("kernel/http4.pcap")], {}, { signal, warn: () => {} });
    const record = recordSchema.parse(document);
    expect(warned(record)).toContain("interrupted");
    for (const each of record.runs) expect(each.leaks).toMatchObject({ count: 0, zombies: 0 });
  });

  test("leaves the captures behind it out of the suite", async () => {
    const signal = AbortSignal.abort();
    const paths = ["kernel/http4.pcap", "kernel/vlan.pcap"].map(fixture);
    const { document } = await run(paths, {}, { signal, warn: () => {} });
    expect((document as NetmemSuite).records.length).toBeLessThan(2);
  });

  test.runIf(hasSharedCaptures)("in the second pass is no mismatch of payloads", async () => {
    const { path } = captureFiles().find(({ name }) => name === "loss1_reorder.pcap")!;
    const abort = new AbortController();
    let before = 0;
    const onProgress = ({ packets }: { packets: number }) => {
      if (packets < before) abort.abort();
      before = packets;
    };
    const flags = { loop: "3", provider: "page", area: "64MiB", ring: "1024" };
    const hooks = { signal: abort.signal, warn: () => {}, onProgress };
    const { document, exitCode } = await run([path], flags, hooks);
    const record = document as NetmemRecord;
    expect(warned(record)).toContain("interrupted");
    expect(warned(record)).not.toContain("payload-mismatch");
    expect(exitCode).toBe(EXIT.done);
    const [only] = record.runs;
    expect(only!.passes).toBeLessThanOrEqual(2);
    expect(only!.leaks.count).toBe(0);
    const onePass = only!.streams!.reduce((sum, row) => sum + Number(row.bytes), 0);
    expect(Number(only!.deliveredBytes)).toBeGreaterThanOrEqual(onePass);
  });
});

describe("several captures", () => {
  const folder = mkdtempSync(join(tmpdir(), "netmem-suite-"));
  const rubbish = join(folder, "rubbish.pcap");
  writeFileSync(rubbish, "this is no capture at all, whatever one may read into it");

  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  test("make a suite: a record each, a summary, what failed; 5 for damage", async () => {
    const good = ["kernel/http4.pcap", "edge/cut_record.pcap", "edge/no_packets.pcap"].map(fixture);
    const missing = join(folder, "missing.pcap");
    writeFileSync(rubbish, "this is no capture at all, whatever one may read into it");
    const { document, exitCode } = await run([...good, rubbish, missing], { provider: "page" });
    const suite = suiteSchema.parse(document);
    expect(exitCode).toBe(EXIT.captureUnreadable);
    expect(suite.records.map((record) => record.capture.path)).toEqual(good);
    expect(suite.failed).toMatchObject([
      { path: rubbish, code: "NETMEM_CAPTURE_FORMAT" },
      { path: missing, code: "NETMEM_CAPTURE_MISSING" },
    ]);
    expect(suite.summary).toMatchObject({
      captures: 3,
      packets: 27 + 8,
      deliveredBytes: 8180 + 1000,
      leaks: 0,
      zombies: 0,
      damaged: 1,
    });
  });

  test("of which one leaks: 7 goes before 5, and the others' records stand", async () => {
    let puts = 0;
    const original = Ledger.prototype.skbPut;
    vi.spyOn(Ledger.prototype, "skbPut").mockImplementation(function (this: Ledger, n: number) {
      // One put of the first capture is forgotten: its netmem never comes back.
      return puts++ === 20 ? false : original.call(this, n);
    });
    const paths = ["kernel/http4.pcap", "edge/cut_record.pcap"].map(fixture);
    const { document, exitCode } = await run(paths, { provider: "page" });
    const { records, failed, summary } = document as NetmemSuite;
    expect(exitCode).toBe(EXIT.violated);
    expect(records.length + failed.length).toBe(2);
    expect(Number(summary.leaks) + failed.length).toBeGreaterThan(0);
  });

  test("one alone that is unreadable is an error, not a document", async () => {
    await expect(run([fixture("edge/absent.pcap")])).rejects.toMatchObject({
      code: "NETMEM_CAPTURE_MISSING",
      exitCode: EXIT.captureUnreadable,
    });
  });

  test("standard input cannot be looped", async () => {
    await expect(run(["-"], { loop: "2" })).rejects.toMatchObject({ exitCode: EXIT.usage });
  });
});

test("memory that no arena has is a question of usage", async () => {
  const flags = { area: "1GiB", queues: "64", ring: "32768" };
  await expect(run([fixture("kernel/http4.pcap")], flags)).rejects.toMatchObject({
    code: "NETMEM_USAGE",
    message: expect.stringMatching(/GiB/),
  });
});
