import { fileURLToPath } from "node:url";
import { median } from "./median.js";
import { RUN_JS, run } from "./whole-process.js";

// Start-up: `startup.ts [--runs N]`. Medians of whole processes, the bare runtime beside them.

const at = process.argv.indexOf("--runs");
const RUNS = at < 0 ? 15 : Number(process.argv[at + 1]);
const TARGET_MS = 250;
const TEN = fileURLToPath(new URL("../fixtures/edge/qinq.pcap", import.meta.url));
const CASES: ReadonlyArray<readonly [what: string, args: readonly string[]]> = [
  ["node alone", ["-e", "0"]],
  ["--help", [RUN_JS, "--help"]],
  ["replay --help", [RUN_JS, "replay", "--help"]],
  ["a capture of ten packets", [RUN_JS, "replay", TEN]],
  ["the same, one provider", [RUN_JS, "replay", "--provider", "page", TEN]],
];

const times = CASES.map((): number[] => []);
for (let i = 0; i < RUNS; i++) {
  for (const [k, [, args]] of CASES.entries()) {
    times[k]!.push((await run(process.execPath, args)).ms);
  }
}
for (const [k, [what]] of CASES.entries()) {
  const ms = median(times[k]!);
  const best = Math.min(...times[k]!).toFixed(0);
  const verdict = k > 0 && ms > TARGET_MS ? `, more than ${TARGET_MS}` : "";
  process.stdout.write(`${what.padEnd(26)} ${ms.toFixed(0)} ms (best ${best})${verdict}\n`);
}
