import { spawnSync } from "node:child_process";
import { arch, cpus, platform } from "node:os";
import { fileURLToPath } from "node:url";
import { type BenchCase, CASES } from "./cases.js";
import { median } from "./median.js";
import { benchNative } from "./native.js";

// `npm run bench`: the engine's host time per packet over the floor's, by traffic and provider.
//
//   --json            one JSON document on standard output
//   --capture FILE    this classic Ethernet capture instead of the synthesised traffic
//   native            the native backends against a bare loop, instead (bench/native.ts)
//   --quick           one process and three pairs each, to see whether it runs
//
// Each figure is the median of pair ratios in one process, then the median over the processes.

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const PROVIDERS = ["page", "devmem", "zcrx"];
const argv = process.argv.slice(2);
const quick = argv.includes("--quick");
const json = argv.includes("--json");
const captureAt = argv.indexOf("--capture");
const capture = captureAt < 0 ? undefined : argv[captureAt + 1];
const PROCESSES = quick ? 1 : 3;
const PAIRS = quick ? 3 : 9;

interface Row {
  case: string;
  provider: string;
  nsPerPacket: number;
  floorNsPerPacket: number;
  ratio: number;
  pairs: number;
  copy: string;
  heapBytesPerPacket: number;
}

/** Rows of one measuring process. */
function measure(caseName: string, providers: string): Row[] {
  const args = ["--import", "tsx", "--expose-gc", CHILD, caseName, providers, String(PAIRS)];
  const child = spawnSync(process.execPath, capture ? [...args, capture] : args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error(`bench of ${caseName} with ${providers} failed`);
  return JSON.parse(child.stdout.trim().split("\n").at(-1)!) as Row[];
}

/** The same provider's rows of several processes as one, by medians. */
function merge(rows: readonly Row[]): Row {
  const of = (key: "nsPerPacket" | "floorNsPerPacket" | "ratio" | "heapBytesPerPacket") =>
    median(rows.map((row) => row[key]));
  return {
    ...rows[0]!,
    nsPerPacket: of("nsPerPacket"),
    floorNsPerPacket: of("floorNsPerPacket"),
    ratio: of("ratio"),
    heapBytesPerPacket: of("heapBytesPerPacket"),
    pairs: rows.reduce((sum, row) => sum + row.pairs, 0),
  };
}

function repeated(caseName: string, providers: string): Row[] {
  const processes = Array.from({ length: PROCESSES }, () => measure(caseName, providers));
  return processes[0]!.map((_, i) => merge(processes.map((rows) => rows[i]!)));
}

interface Verdict {
  readonly what: string;
  readonly value: number;
  readonly target: number;
}

const bench: Row[] = [];
const verdicts: Verdict[] = [];
const note = (text: string) => {
  if (!json) process.stdout.write(`${text}\n`);
};

function runCase(found: BenchCase): void {
  for (const provider of PROVIDERS) {
    const [row] = repeated(found.name, provider);
    bench.push(row!);
    const what = `${found.name} ${provider} ratio`;
    if (found.target !== null) verdicts.push({ what, value: row!.ratio, target: found.target });
    note(line(row!, found.target));
  }
  if (found.bookkeepingPct !== null) bookkeeping(found);
}

/** Ledger, invariants and histograms: the engine with and without them, alternating. */
function bookkeeping(found: BenchCase): void {
  const [full, bare] = repeated(found.name, "zcrx,zcrx:bare");
  const pct = 100 * (full!.nsPerPacket / bare!.nsPerPacket - 1);
  verdicts.push({
    what: `${found.name} bookkeeping %`,
    value: pct,
    target: found.bookkeepingPct!,
  });
  note(`${found.name.padEnd(18)} ledger, invariants, histograms  +${pct.toFixed(1)} %`);
}

/** Three providers in one process against each alone. */
function together(found: BenchCase): void {
  for (const row of repeated(found.name, PROVIDERS.join(","))) {
    const alone = bench.find((one) => one.case === row.case && one.provider === row.provider)!;
    const pct = 100 * (row.ratio / alone.ratio - 1);
    bench.push({ ...row, case: `${found.name}-together` });
    verdicts.push({ what: `${found.name} ${row.provider} together %`, value: pct, target: 15 });
    const who = `${found.name.padEnd(18)} ${row.provider.padEnd(7)}`;
    note(`${who} with the others in one process ${pct.toFixed(1)} %`);
  }
}

function line(row: Row, target: number | null): string {
  const ns = `${row.nsPerPacket.toFixed(0)} ns`.padStart(8);
  const floor = `floor ${row.floorNsPerPacket.toFixed(0)} ns (${row.copy})`;
  const wanted = target === null ? "" : `, at most ${target} wanted`;
  const ratio = `ratio ${row.ratio.toFixed(2)}${wanted}`;
  const heap = `${row.heapBytesPerPacket.toFixed(2)} B heap a packet`;
  return `${row.case.padEnd(18)} ${row.provider.padEnd(7)} ${ns}  ${floor}  ${ratio}  ${heap}`;
}

if (argv.includes("native")) {
  benchNative(json, quick);
  process.exit(0);
}
const [cpu] = cpus();
const machine = `${cpu?.model ?? "unknown CPU"}, ${cpus().length} CPUs, ${platform()} ${arch()}`;
note(`${machine}, Node ${process.version}`);
const cases =
  capture === undefined
    ? CASES
    : [{ ...CASES[0]!, name: "capture", target: null, bookkeepingPct: null }];
for (const found of cases) runCase(found);
if (capture === undefined) {
  for (const found of CASES.slice(0, 2)) together(found);
  const flows = (name: string, provider: string) =>
    bench.find((row) => row.case === name && row.provider === provider)!.nsPerPacket;
  for (const provider of PROVIDERS) {
    const many = flows("1448B-67000flows", provider) / flows("1448B-64flows", provider);
    verdicts.push({ what: `67,000 over 64 flows ${provider}`, value: many, target: 1.5 });
    note(`67,000 flows over 64 flows, ${provider}: ${many.toFixed(2)}`);
  }
}
const missed = verdicts.filter(({ value, target }) => value > target);
note(missed.length === 0 ? "every target is met" : "missed:");
for (const { what, value, target } of missed)
  note(`  ${what}: ${value.toFixed(2)}, at most ${target}`);
if (json) {
  const document = { machine, node: process.version, bench, verdicts };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
