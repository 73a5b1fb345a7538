import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { longCapture } from "./long-capture.js";
import { synthesize } from "./synthesize.js";
import { RUN_JS, run } from "./whole-process.js";

// Memory and time against a capture's size and its flows: `size.ts [--gigabytes N] [--flows N]`.
// Nothing but the first 200 MB touches the disk: larger captures go through standard input.

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "10" },
    flows: { type: "string", default: "1000000" },
    provider: { type: "string", default: "page,devmem,zcrx" },
  },
});
const GB = 1e9;
const FIRST = 0.2 * GB;
const file = join(tmpdir(), `netmem-size-${process.pid}.pcap`);
const args = [RUN_JS, "replay", "--json", "--provider", values.provider];

interface Row {
  readonly what: string;
  readonly packets: number;
  readonly peakMiB: number;
  readonly nsPerPacket: number;
}

async function replay(what: string, path: string, input?: Iterable<Uint8Array>): Promise<Row> {
  const made = await run(process.execPath, [...args, path], input === undefined ? {} : { input });
  if (made.code !== 0) throw new Error(`${what}: exit code ${made.code}\n${made.stdout}`);
  const { packets } = JSON.parse(made.stdout).capture as { packets: number };
  const nsPerPacket = (made.ms * 1e6) / packets;
  const row = { what, packets, peakMiB: made.peakBytes / 1024 ** 2, nsPerPacket };
  const shown = `${row.peakMiB.toFixed(0)} MiB, ${nsPerPacket.toFixed(0)} ns a packet`;
  process.stdout.write(`${what.padEnd(28)} ${packets} packets, ${shown}\n`);
  return row;
}

try {
  writeFileSync(file, Buffer.concat([...longCapture(FIRST)].map((part) => Buffer.from(part))));
  await replay("200 MB, file", file);
  await replay("200 MB, standard input", "-", longCapture(FIRST));
  await replay("1 GB, standard input", "-", longCapture(GB));
  const gigabytes = Number(values.gigabytes);
  if (gigabytes > 1)
    await replay(`${gigabytes} GB, standard input`, "-", longCapture(gigabytes * GB));
  const flows = Number(values.flows);
  if (flows > 0) {
    const many = synthesize({ frames: flows, segmentBytes: 100, flows, seed: 7 });
    writeFileSync(file, many);
    const { peakMiB } = await replay(`${flows} flows, file`, file);
    process.stdout.write(`${((peakMiB * 1024 ** 2) / flows).toFixed(0)} bytes a flow at most\n`);
  }
} finally {
  rmSync(file, { force: true });
}
