import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import type { NetmemRecord, NetmemSuite, RunRecord } from "../src/replay/record/schema.js";
import { RUN_JS, run } from "./whole-process.js";

// Captures through the kernel's own zcrx and devmem in a guest, held against the model, and against
// the truth of other programs where --truth has it. Prints the table of docs/vm.md:
//
//      guest.ts [--kernel 7.3,7.2] [--limit N] [--truth FOLDER] CAPTURE...

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: "string", default: "7.3" },
    limit: { type: "string" },
    truth: { type: "string" },
    "time-limit": { type: "string", default: "300s" },
  },
});
const PROVIDERS = ["zcrx", "devmem"] as const;
const limit = values.limit === undefined ? [] : ["--limit", values.limit];
// What both sides share: the kernel's sockets cannot have the window that the capture shows.
const both = ["--streams", "--json", "--rcvbuf", "32MiB", ...limit];

/** A stream that other programs agree on (shared truth of the captures). */
interface Truth {
  readonly trusted: boolean;
  readonly bytes_contig: number | null;
  readonly sha256_contig: string;
}

async function records(args: readonly string[]): Promise<NetmemRecord[]> {
  const made = await run(process.execPath, [RUN_JS, ...args, ...both, ...positionals]);
  const document = JSON.parse(made.stdout) as NetmemRecord | NetmemSuite | { error: object };
  if ("error" in document) throw new Error(JSON.stringify(document.error));
  if (!("records" in document)) return [document];
  if (document.failed.length > 0) throw new Error(JSON.stringify(document.failed));
  return document.records as NetmemRecord[];
}

/** How many of the digests that are wanted a run delivered: "12 of 12". */
function found(wanted: readonly string[], { streams = [] }: RunRecord): string {
  const rest = streams.map(({ sha256 }) => sha256);
  const hits = wanted.filter((sha256) => {
    const at = rest.indexOf(sha256);
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
  return `${hits.length} of ${wanted.length}`;
}

function truthOf(capture: string): string[] | null {
  if (values.truth === undefined || values.limit !== undefined) return null;
  const file = join(values.truth, `${basename(capture)}.json`);
  const { streams } = JSON.parse(readFileSync(file, "utf8")) as { streams: Truth[] };
  return streams
    .filter(({ trusted, bytes_contig }) => trusted && bytes_contig)
    .map(({ sha256_contig }) => sha256_contig);
}

/** Rows that are alike on several kernels stand once: what they say, on which kernels. */
const rows = new Map<string, string[]>();

function add(kernel: string, cells: ReadonlyArray<string | number>): void {
  const text = cells.join(" | ");
  rows.set(text, [...(rows.get(text) ?? []), kernel]);
}

const copied = ({ copy, deliveredBytes }: RunRecord) => `${copy.bytes} of ${deliveredBytes}`;

for (const kernel of values.kernel.split(",")) {
  const backend = PROVIDERS.map((name) => `kernel-${name}`).join(",");
  const guest = ["vm", "run", "--kernel", kernel, "--backend", backend];
  const timed = ["--time-limit", values["time-limit"]];
  const model = await records(["replay", "--provider", PROVIDERS.join(","), "--kernel", kernel]);
  const steered = await records([...guest, ...timed]);
  const unsteered = await records([...guest, ...timed, "--steer", "none"]);
  for (const [i, { capture, runs }] of model.entries()) {
    const truth = truthOf(capture.path);
    for (const [k, provider] of PROVIDERS.entries()) {
      const wanted = (runs[k]!.streams ?? []).filter(({ bytes }) => Number(bytes) > 0);
      const digests = wanted.map(({ sha256 }) => sha256);
      const [one, other] = [steered[i]!.runs[k]!, unsteered[i]!.runs[k]!];
      add(kernel, [
        `${basename(capture.path)}, ${capture.packets}`,
        provider,
        found(digests, one),
        truth === null ? "-" : found(truth, one),
        copied(one),
        found(digests, other),
        copied(other),
      ]);
    }
  }
}

const head = [
  "capture, packets",
  "provider",
  "streams",
  "trusted",
  "copied",
  "unsteered: streams",
  "copied",
  "kernels",
];
const lines = [head.join(" | "), head.map(() => "---").join(" | ")];
for (const [text, kernels] of rows) lines.push(`${text} | ${kernels.join(", ")}`);
process.stdout.write(lines.map((line) => `| ${line} |\n`).join(""));
