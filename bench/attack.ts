import { performance } from "node:perf_hooks";
import { layOut } from "../dist/engine/layout.js";
import { Arena } from "../dist/engine/memory/arena.js";
import type { ReceiveOptions } from "../dist/engine/receive-options.js";
import { ReceivePath } from "../dist/engine/receive-path.js";
import { PacketBatch } from "../dist/engine/wire/packet-batch.js";
import { raiseInliningBudget } from "../dist/replay/measure/v8-flags.js";
import { attacks, benign } from "./attack-traffic.js";
import { ENGINE_OPTIONS } from "./engine-options.js";
import { median } from "./median.js";
import { Trace } from "./trace.js";

// What a hostile packet costs over a benign one of the same size: `attack.ts [--json]`. Passes of
// both alternate in one process, end of pass included, and the median of their ratios counts. Exits
// with 1 where one costs more than {@link MAX_RATIO} times a benign one.

const MAX_RATIO = 10;
const PAIRS = 7;
const WARM_PASSES = 2;
const SEED = 1;
const MIB = 1024 * 1024;

interface Runner {
  readonly trace: Trace;
  readonly path: ReceivePath;
}

const batch = new PacketBatch();

function runnerOf(capture: Uint8Array): Runner {
  const start = Math.ceil((capture.length + MIB) / 65536) * 65536;
  const options: ReceiveOptions = { ...ENGINE_OPTIONS, provider: "devmem" };
  const layout = layOut(start, { ...options, pages: false });
  const arena = new Arena(layout.end);
  const trace = new Trace(arena, 0, capture);
  return { trace, path: new ReceivePath(options, { arena, layout, sink: null }, null) };
}

/** One pass, to the end of its sockets; nanoseconds a packet. */
function pass({ trace, path }: Runner): number {
  trace.rewind(true);
  const before = performance.now();
  while (trace.next(batch)) path.ingest(batch);
  path.endPass();
  path.restart();
  return ((performance.now() - before) * 1e6) / trace.packets;
}

raiseInliningBudget();
const json = process.argv.includes("--json");
const calm = runnerOf(benign());
for (let i = 0; i < WARM_PASSES; i++) pass(calm);
const rows = attacks(SEED).map(({ name, aimedAt, capture }) => {
  const attacked = runnerOf(capture);
  for (let i = 0; i < WARM_PASSES; i++) pass(attacked);
  const ratios: number[] = [];
  const times: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const benignNs = pass(calm);
    times.push(pass(attacked));
    ratios.push(times.at(-1)! / benignNs);
  }
  const row = { name, aimedAt, nsPerPacket: median(times), ratio: median(ratios) };
  const ns = `${row.nsPerPacket.toFixed(0)} ns`.padStart(8);
  const line = `${name.padEnd(18)} ${aimedAt.padEnd(26)} ${ns}  ${row.ratio.toFixed(2)} times\n`;
  if (!json) process.stdout.write(line);
  return row;
});
if (json) process.stdout.write(`${JSON.stringify({ maxRatio: MAX_RATIO, attacks: rows })}\n`);
process.exitCode = rows.some(({ ratio }) => ratio > MAX_RATIO) ? 1 : 0;
