import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { layOut } from "../dist/engine/layout.js";
import { Arena } from "../dist/engine/memory/arena.js";
import type { ProviderKind, ReceiveOptions } from "../dist/engine/receive-options.js";
import { ReceivePath } from "../dist/engine/receive-path.js";
import { PacketBatch } from "../dist/engine/wire/packet-batch.js";
import { Digests } from "../dist/replay/measure/digests.js";
import { Floor, type FloorCopy } from "../dist/replay/measure/floor.js";
import { raiseInliningBudget } from "../dist/replay/measure/v8-flags.js";
import { CASES } from "./cases.js";
import { ENGINE_OPTIONS } from "./engine-options.js";
import { median } from "./median.js";
import { synthesize } from "./synthesize.js";
import { Trace } from "./trace.js";

// One measuring process: `child.ts CASE PROVIDERS PAIRS [CAPTURE]`. PROVIDERS is one provider, or
// several joined by a comma that then alternate in this process; `:bare` behind one adds the same
// engine without ledger, invariants and histograms. Prints one JSON line.

const MIB = 1024 * 1024;
const WARM_PASSES = 3;

interface Engine {
  readonly provider: string;
  readonly path: ReceivePath;
}

function optionsFor(provider: ProviderKind): ReceiveOptions {
  return { ...ENGINE_OPTIONS, provider };
}

raiseInliningBudget();
const [caseName, providerList, pairText, captureFile] = process.argv.slice(2);
const found = CASES.find(({ name }) => name === caseName) ?? CASES[0]!;
const pairs = Number(pairText);
const capture = captureFile ? readFileSync(captureFile) : synthesize({ ...found, seed: 7 });

const wanted = providerList!.split(",").map((text) => text.split(":"));
let end = Math.ceil((capture.length + MIB) / 65536) * 65536;
const traceStart = 0;
const layouts = wanted.map(([provider]) => {
  const layout = layOut(end, { ...optionsFor("page"), pages: provider === "page" });
  end = layout.end;
  return layout;
});
const arena = new Arena(end);
const trace = new Trace(arena, traceStart, capture);
const batch = new PacketBatch();

/** A fresh engine over its part of the arena; `sink` takes what the application reads. */
function engineAt(i: number, sink: Digests | null): Engine {
  const [provider, variant] = wanted[i]!;
  const path = new ReceivePath(
    optionsFor(provider as ProviderKind),
    { arena, layout: layouts[i]!, sink },
    () => performance.now() * 1e6,
  );
  if (variant === "bare") {
    path.ledger.on = false;
    path.stages.on = false;
  }
  return { provider: `${provider}${variant ? `:${variant}` : ""}`, path };
}

const floor = new Floor(arena, layouts[0]!.areaStart, ENGINE_OPTIONS.areaBytes);

function floorPass(copy: FloorCopy): number {
  trace.rewind(false);
  const before = performance.now();
  while (trace.next(batch)) floor.run(batch, copy);
  return ((performance.now() - before) * 1e6) / trace.packets;
}

function enginePass({ path }: Engine): number {
  trace.rewind(true);
  const before = performance.now();
  while (trace.next(batch)) path.ingest(batch);
  path.drain();
  const ns = ((performance.now() - before) * 1e6) / trace.packets;
  path.endPass();
  path.restart();
  return ns;
}

/** Every netmem is where it belongs between two passes: nothing with the stack or the reader. */
function assertBalanced({ provider, path }: Engine): void {
  if (path.slab.skbCount !== 0) throw new Error(`${provider}: ${path.slab.skbCount} skbs are left`);
  path.pools.audit();
  for (const pool of path.pools.pools) {
    if (pool === null || !path.ledger.on) continue;
    const counts = path.ledger.counts.subarray(pool.number * 16, pool.number * 16 + 16);
    const held = counts.reduce((sum, count) => sum + count, 0);
    if (held !== pool.holdCnt - pool.releaseCnt) throw new Error(`pool ${pool.number}: ${held}`);
  }
}

/** SHA-256 of every flow of one pass of a fresh engine. */
function digestsOfPass(i: number): string[] {
  const digests = new Digests(arena);
  const { path } = engineAt(i, digests);
  trace.rewind(true);
  while (trace.next(batch)) path.ingest(batch);
  path.endPass();
  return Array.from({ length: path.tcp.sockets }, (_, sock) => digests.take(sock)).sort();
}

/** A capture of somebody else's: every provider reads the same bytes, each time. */
function assertAlike(): void {
  const first = digestsOfPass(0).join();
  for (const i of wanted.keys()) {
    if (digestsOfPass(i).join() !== first) throw new Error(`${wanted[i]![0]}: digests differ`);
  }
}

/** One pass with digests over all bytes, against what the trace holds. */
function assertDigests(i: number): void {
  const digests = new Digests(arena);
  const { provider, path } = engineAt(i, digests);
  trace.rewind(true);
  while (trace.next(batch)) path.ingest(batch);
  path.endPass();
  const wantedDigests = new Set(trace.digests().values());
  for (let sock = 0; sock < path.tcp.sockets; sock++) wantedDigests.delete(digests.take(sock));
  if (wantedDigests.size > 0) throw new Error(`${provider}: ${wantedDigests.size} flows differ`);
}

if (captureFile) assertAlike();
else for (const i of wanted.keys()) assertDigests(i);
const engines = wanted.map((_, i) => engineAt(i, null));

for (let warm = 0; warm < WARM_PASSES; warm++) {
  floorPass("wasm");
  floorPass("copyWithin");
  for (const engine of engines) {
    enginePass(engine);
    assertBalanced(engine);
  }
}
const trial = (copy: FloorCopy) => median([floorPass(copy), floorPass(copy), floorPass(copy)]);
const copy: FloorCopy = trial("wasm") <= trial("copyWithin") ? "wasm" : "copyWithin";

const floors: number[][] = engines.map(() => []);
const times: number[][] = engines.map(() => []);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
for (let pair = 0; pair < pairs; pair++) {
  engines.forEach((engine, i) => {
    floors[i]!.push(floorPass(copy));
    times[i]!.push(enginePass(engine));
  });
}

/** Heap growth over one pass without a collection in between, of the first engine. */
function heapBytesOfPass(): number {
  trace.rewind(true);
  collect();
  const before = process.memoryUsage().heapUsed;
  while (trace.next(batch)) engines[0]!.path.ingest(batch);
  engines[0]!.path.drain();
  const after = process.memoryUsage().heapUsed;
  engines[0]!.path.endPass();
  engines[0]!.path.restart();
  return after - before;
}
const heapBytes = Math.min(...[1, 2, 3].map(heapBytesOfPass).map(Math.abs));

const rows = engines.map((engine, i) => {
  const ratios = times[i]!.map((ns, pair) => ns / floors[i]![pair]!);
  return {
    case: caseName!,
    provider: engine.provider,
    nsPerPacket: median(times[i]!),
    floorNsPerPacket: median(floors[i]!),
    ratio: median(ratios),
    minNs: Math.min(...times[i]!),
    minFloorNs: Math.min(...floors[i]!),
    pairs,
    copy,
    heapBytesPerPacket: heapBytes / trace.packets,
  };
});
process.stdout.write(`${JSON.stringify(rows)}\n`);
