import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetmemRecord } from "../src/replay/record/schema.js";
import { longCapture } from "./long-capture.js";
import { median } from "./median.js";
import { RUN_JS, run } from "./whole-process.js";

// Whole processes on one capture of 200 MB, by turns: `versus.ts [--runs N]`. The work differs:
// tshark dissects and prints one stream, tcpflow writes every stream to files, netmem hashes the
// capture and, with --streams, every stream, and replays through the model with the ledger on.

const at = process.argv.indexOf("--runs");
const RUNS = at < 0 ? 5 : Number(process.argv[at + 1]);
const folder = mkdtempSync(join(tmpdir(), "netmem-versus-"));
const capture = join(folder, "200MB.pcap");
const netmem = [RUN_JS, "replay", "--provider", "page", "--json"];
const CASES: ReadonlyArray<readonly [what: string, program: string, args: readonly string[]]> = [
  ["netmem, digests on", process.execPath, [...netmem, "--streams", capture]],
  ["netmem, digests off", process.execPath, [...netmem, capture]],
  ["tcpflow", "tcpflow", ["-r", capture]],
  ["tshark", "tshark", ["-q", "-r", capture, "-z", "follow,tcp,raw,0"]],
];

/** A capture that the model cannot deliver whole would be no measure of anything. */
function checkDelivered(document: string): void {
  const { runs, capture: read } = JSON.parse(document) as NetmemRecord;
  for (const { drops, deliveredBytes } of runs) {
    if (Object.keys(drops).length > 0 || Number(deliveredBytes) < 0.9 * Number(read.bytes)) {
      throw new Error(`of ${read.bytes} bytes ${deliveredBytes} came through`);
    }
  }
}

try {
  for (const part of longCapture(2e8)) appendFileSync(capture, part);
  const times = CASES.map((): number[] => []);
  for (let i = 0; i < RUNS; i++) {
    for (const [k, [what, program, args]] of CASES.entries()) {
      const cwd = mkdtempSync(join(folder, "run-"));
      const { ms, code, stdout } = await run(program, args, { cwd });
      if (code !== 0) throw new Error(`${what}: exit code ${code}`);
      if (k < 2) checkDelivered(stdout);
      times[k]!.push(ms);
      rmSync(cwd, { recursive: true });
    }
  }
  const [on, off, tcpflow, tshark] = times.map(median) as [number, number, number, number];
  for (const [k, [what]] of CASES.entries()) {
    process.stdout.write(`${what.padEnd(22)} ${median(times[k]!).toFixed(0)} ms\n`);
  }
  process.stdout.write(`tshark over netmem with digests   ${(tshark / on).toFixed(1)}, 5 wanted\n`);
  process.stdout.write(
    `netmem with digests over tcpflow  ${(on / tcpflow).toFixed(1)}, 1.5 at most\n`,
  );
  process.stdout.write(
    `netmem without over tcpflow       ${(off / tcpflow).toFixed(1)}, 1 at most\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
