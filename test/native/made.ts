import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SynthesisOptions, synthesize } from "../../bench/synthesize.js";
import { classic } from "../../fixtures/capture-file.js";
import { ethernet } from "../../fixtures/frames.js";
import { LINK_ETHERNET, START } from "../../fixtures/made.js";
import type { RunRecord } from "../../src/replay/record/schema.js";
import { runCli } from "../golden/run-cli.js";

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

const folder = mkdtempSync(join(tmpdir(), "netmem-native-"));
let files = 0;

/** The records of a classic capture, its header in front. */
export function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [bytes.subarray(0, FILE_HEADER)];
  for (let at = FILE_HEADER; at < bytes.length; ) {
    const end = at + RECORD_HEADER + view.getUint32(at + 8, true);
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}

/** A made capture as a file, without the record of number `without` (the file header is 0). */
export function madeCapture(options: SynthesisOptions, without = -1): string {
  const path = join(folder, `${files++}.pcap`);
  const kept = recordsOf(synthesize(options)).filter((_, i) => i !== without);
  writeFileSync(path, Buffer.concat(kept));
  return path;
}

/** How a capture of datagrams is laid out. */
interface Layout {
  /** Bytes of each frame that stay. */
  readonly snaplen?: number;
  /** Time between two frames. */
  readonly gapMs?: number;
}

/** Datagrams as a capture of Ethernet frames. */
export function captureOf(datagrams: readonly Uint8Array[], layout: Layout = {}): string {
  const { snaplen = 262144, gapMs = 1 } = layout;
  const path = join(folder, `${files++}.pcap`);
  const packets = datagrams.map((datagram, i) => {
    const frame = ethernet(datagram);
    return {
      seconds: START + Math.floor((i * gapMs) / 1000),
      nanoseconds: ((i * gapMs) % 1000) * 1_000_000,
      bytes: frame.subarray(0, snaplen),
      wireBytes: frame.length,
    };
  });
  writeFileSync(path, classic({ linkType: LINK_ETHERNET, snaplen }, packets));
  return path;
}

/** One replay by the built program; its run. */
export function replayed(path: string, ...args: string[]): RunRecord {
  const { stdout, stderr } = runCli(["replay", path, "--json", ...args]);
  const record = JSON.parse(stdout) as { runs?: RunRecord[] };
  if (record.runs === undefined) throw new Error(`${stdout}${stderr}`);
  return record.runs[0]!;
}
