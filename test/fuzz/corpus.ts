import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PacketBatch } from "../../src/engine/wire/packet-batch.js";
import { openCapture } from "../../src/replay/capture/open.js";
import { MIN_WINDOW_BYTES } from "../../src/replay/capture/reader.js";
import { captureFiles } from "../support/captures.js";
import type { Genome } from "./capture-mutators.js";
import type { Packet } from "./packet.js";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
/** Packets of a slice, and slices of one capture, at most. */
const SLICE_PACKETS = 16;
const SLICES = 6;
/** Frames are cut to this: long payloads teach nothing and cost time. */
const FRAME_BYTES = 2048;

/** What the corpus begins with. */
export interface Corpus {
  readonly genomes: Genome[];
  /** Whole small files, to be damaged as they are. */
  readonly files: Uint8Array[];
}

/** The fixtures, and slices of the captures beside the clone where they are there. */
export async function loadCorpus(): Promise<Corpus> {
  const fixtures = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.pcap(ng)?$/.test(file))
    .sort()
    .map((file) => join(FIXTURES, file));
  const shared = captureFiles()
    .map(({ path }) => path)
    .sort();
  const genomes: Genome[] = [];
  for (const path of [...fixtures, ...shared]) genomes.push(...(await slicesOf(path)));
  const files = fixtures.map((path) => new Uint8Array(readFileSync(path)));
  return { genomes, files: files.filter(({ length }) => length <= 16_384) };
}

/** The first packets of a capture, in slices of one link type each. */
async function slicesOf(path: string): Promise<Genome[]> {
  const bytes = new Uint8Array(MIN_WINDOW_BYTES + 4096);
  const window = { bytes, start: 0, size: MIN_WINDOW_BYTES };
  const batch = new PacketBatch(SLICE_PACKETS);
  const limit = SLICE_PACKETS * SLICES;
  const reader = await openCapture(path, window, { reader: "block", limit });
  const genomes: Genome[] = [];
  while (await reader.next(batch)) {
    const linkType = batch.linkType[0]!;
    const packets: Packet[] = [];
    for (let i = 0; i < batch.count && batch.linkType[i] === linkType; i++) {
      const at = batch.offset[i]!;
      const length = Math.min(batch.capturedBytes[i]!, FRAME_BYTES);
      packets.push({
        seconds: batch.seconds[i]!,
        nanoseconds: batch.nanoseconds[i]!,
        bytes: bytes.slice(at, at + length),
        wireBytes: batch.wireBytes[i]!,
      });
    }
    genomes.push({ linkType, packets });
  }
  reader.close();
  return genomes;
}
