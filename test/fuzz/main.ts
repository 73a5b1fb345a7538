import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Hunted, hunt, INPUT_LIMIT_MS, inHandPath } from "./hunt.js";

// Fuzzes captures and settings in several processes at once, and watches over them.
//
//   node --import tsx test/fuzz/main.ts [--inputs N] [--seconds N] [--seed N] [--jobs N]
//                                       [--keep FOLDER]
//
// With --inputs it ends after so many, the same ones for the same seed; with --seconds alone after
// that time. Findings are files in FOLDER. Exits with 1 if there are any.

/** A process that says nothing for so long is stuck in one input. */
const SILENCE_MS = 15 * INPUT_LIMIT_MS;

/** In memory where the system has such a folder: two files are written for each input. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const { values } = parseArgs({
  options: {
    inputs: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    keep: { type: "string", default: join(SCRATCH, "netmem-fuzz") },
    child: { type: "string" },
  },
});
const seed = Number(values.seed);
const jobs = Number(values.jobs);
const seconds = Number(values.seconds ?? (values.inputs === undefined ? 60 : 1e9));
const inputs = Number(values.inputs ?? 1e15);

/** One process: hunts, and tells its parent how far it is. */
async function work(): Promise<void> {
  const progress = (done: number) => process.send!({ done });
  const result = await hunt({ seed, inputs, seconds, folder: values.keep, progress });
  process.send!({ result }, () => process.exit(0));
}

/** Watches one process to its end; a stuck or crashed one is a finding itself. */
async function watch(job: number): Promise<Hunted | string> {
  const args = ["--child", "1", "--seed", String(seed * 1000 + job), "--keep", values.keep];
  const share = Number.isSafeInteger(inputs) ? Math.ceil(inputs / jobs) : inputs;
  args.push("--inputs", String(share), "--seconds", String(seconds));
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), args, {
    execArgv: ["--import", "tsx"],
  });
  let result: Hunted | null = null;
  let isStuck = false;
  const stop = () => {
    isStuck = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(stop, SILENCE_MS);
  child.on("message", (message: { result?: Hunted }) => {
    clearTimeout(timer);
    timer = setTimeout(stop, SILENCE_MS);
    if (message.result !== undefined) result = message.result;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  if (result !== null) return result;
  const input = inHandPath(values.keep, child.pid!);
  return `${isStuck ? "one input does not end" : `the process ended with ${code}`}: ${input}`;
}

async function main(): Promise<number> {
  const startMs = performance.now();
  const ended = await Promise.all(Array.from({ length: jobs }, (_, job) => watch(job)));
  const took = (performance.now() - startMs) / 1000;
  let found = 0;
  let total = 0;
  for (const each of ended) {
    if (typeof each === "string") {
      found++;
      process.stdout.write(`! ${each}\n`);
      continue;
    }
    total += each.inputs;
    found += each.findings.length;
    const { inputs: count, errors, kept, features, blocks, slowestMs, rssBytes } = each;
    const mib = Math.round(rssBytes / 1024 ** 2);
    const slowest = slowestMs.toFixed(0);
    process.stdout.write(
      `${count} inputs: ${errors} typed errors, ${kept} kept, ${features} features, ` +
        `${blocks} blocks, slowest ${slowest} ms, ${mib} MiB\n`,
    );
    for (const { what, file } of each.findings) process.stdout.write(`! ${file}: ${what}\n`);
  }
  process.stdout.write(`${total} inputs in ${took.toFixed(0)} s, ${found} findings\n`);
  return found > 0 ? 1 : 0;
}

if (values.child !== undefined) await work();
else process.exitCode = await main();
