import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { deserialize } from "node:v8";
import { pagePools } from "../../../engine/backend/net/page-pools.js";
import { NetmemError } from "../../error.js";
import { GUEST_VARIABLE } from "../../run/guest-facts.js";
import {
  ANSWER_PORT,
  type GuestAnswer,
  type GuestCommand,
  type GuestHealth,
  type GuestJob,
  type GuestReplay,
  type GuestResult,
  JOB_FILE,
} from "./job.js";

// The first program of a guest: does the job, answers, and turns the machine off.

/** How long a provider's pool may take to go, and how often it is looked for. */
const SETTLE_MS = 30_000;
const SETTLE_STEP_MS = 100;
/** Of 2 MiB: an area of 64 MiB, and something over. */
const HUGE_PAGES = 40;
/** What the kernel says when something is wrong; KFENCE says "BUG: KFENCE". */
const COMPLAINT = /WARNING|BUG:|\bOops\b|refcount|stalled pool|leak|general protection|INFO: task/i;

/** What a trace of calls follows, where it ends, and how much of it is kept. */
const TRACE_BEGIN = /WARNING|BUG:|\bOops\b/;
const TRACE_END = /---\[ end trace/;
const TRACE_LINES = 60;

function loadModule(parameters: Readonly<Record<string, string>>): void {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  execFileSync("/bin/insmod", ["/mod/nmsim.ko", ...words]);
}

/** A port may still be up, or on its way home from a namespace that died. */
async function unloadModule(): Promise<void> {
  for (let waited = 0; existsSync("/sys/module/nmsim"); waited += SETTLE_STEP_MS) {
    for (const port of ["nm0", "nm1"]) spawnSync("/bin/ip", ["link", "set", port, "down"]);
    const { status, stderr } = spawnSync("/bin/rmmod", ["nmsim"], { encoding: "utf8" });
    if (status === 0) return;
    if (waited > SETTLE_MS) throw new Error(`nmsim stays in use: ${stderr.trim()}`);
    await pause(SETTLE_STEP_MS);
  }
}

type Ended = Omit<GuestResult, "poolsLeft" | "inflightLeft">;

function run(command: GuestCommand): Promise<Ended> {
  const { timeoutMs } = command;
  if ("script" in command) return runProgram("/bin/sh", ["-c", command.script], timeoutMs);
  return replayHere(command.replay, timeoutMs);
}

/** Runs a program in a group of its own, so that killing it reaches its children too. */
function runProgram(path: string, argv: readonly string[], timeoutMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(path, argv, {
      detached: true,
      env: process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const kill = () => process.kill(-child.pid!, "SIGKILL");
    const timer = setTimeout(kill, timeoutMs);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** Replays in this process: the backend's own process is the only one to start. */
async function replayHere({ config, capture }: GuestReplay, timeoutMs: number): Promise<Ended> {
  const { runReplay } = await import("../../run/run-replay.js");
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const done = await runReplay(config, [capture], { signal, warn: () => {} });
    const late = signal.aborted;
    return {
      status: late ? null : done.exitCode,
      stdout: JSON.stringify(done.document),
      stderr: "",
    };
  } catch (error) {
    if (!(error instanceof NetmemError)) throw error;
    const { code, message, suggestion, exitCode } = error;
    const stdout = JSON.stringify({ error: { code, message, suggestion } });
    return { status: exitCode, stdout, stderr: "" };
  }
}

/**
 * Waits until the ports are back: those of a reader that was killed come home when the last socket
 * of its namespace is dead (net/core/dev.c, default_device_exit_net).
 */
async function portsAtHome(): Promise<void> {
  if (!existsSync("/sys/module/nmsim")) return;
  const away = () => ["nm0", "nm1"].some((port) => !existsSync(`/sys/class/net/${port}`));
  for (let waited = 0; away() && waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
    await pause(SETTLE_STEP_MS);
  }
}

/** Waits until no pool has a provider any more. */
async function settle(): Promise<{ poolsLeft: number; inflightLeft: number }> {
  const bound = () => pagePools().filter(({ provider }) => provider !== null);
  let pools = bound();
  for (let waited = 0; pools.length > 0 && waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
    await pause(SETTLE_STEP_MS);
    pools = bound();
  }
  const inflightLeft = pools.reduce((sum, { inflight }) => sum + inflight, 0);
  return { poolsLeft: pools.length, inflightLeft };
}

/** Each complaint of the kernel with the trace behind it. */
function complaints(): string[] {
  const log = execFileSync("/bin/dmesg", { encoding: "utf8" }).split("\n");
  const kept = new Set<number>();
  for (const [i, line] of log.entries()) {
    if (!COMPLAINT.test(line)) continue;
    const end = log.findIndex((later, k) => k > i && TRACE_END.test(later));
    const last = TRACE_BEGIN.test(line) && end > 0 ? Math.min(end, i + TRACE_LINES) : i;
    for (let k = i; k <= last; k++) kept.add(k);
  }
  return [...kept].map((i) => log[i]!);
}

/** A number behind a word in one of debugfs's files; null where there is no such file. */
function debugNumber(file: string, word: string): number | null {
  try {
    const text = readFileSync(`/sys/kernel/debug/${file}`, "utf8");
    return Number(new RegExp(`${word}:\\s*(\\d+)`).exec(text)?.[1] ?? 0);
  } catch {
    return null;
  }
}

/** Unreferenced objects, after a scan of all memory. */
function leaksFound(): number | null {
  const file = "/sys/kernel/debug/kmemleak";
  if (!existsSync(file)) return null;
  writeFileSync(file, "scan");
  return readFileSync(file, "utf8").split("unreferenced object").length - 1;
}

function health(): GuestHealth {
  const bugs = debugNumber("kfence/stats", "total bugs");
  const allocations = debugNumber("kfence/stats", "total allocations");
  return {
    tainted: Number(readFileSync("/proc/sys/kernel/tainted", "utf8")),
    kfence: bugs === null || allocations === null ? null : { allocations, bugs },
    leaks: leaksFound(),
  };
}

/** Does one command; what goes wrong around it is its own failure, and the next one follows. */
async function resultOf(command: GuestCommand): Promise<GuestResult> {
  try {
    if (command.nmsim !== undefined) {
      await unloadModule();
      loadModule(command.nmsim);
    }
    await portsAtHome();
    return { ...(await run(command)), ...(await settle()) };
  } catch (error) {
    return failed(error);
  }
}

/** The message last: of what a program said, the last line is shown. */
function failed(error: unknown): GuestResult {
  const stderr = error instanceof Error ? `${error.stack}\n${error.message}` : String(error);
  return { status: null, stdout: "", stderr, poolsLeft: 0, inflightLeft: 0 };
}

async function answerTo(job: GuestJob): Promise<GuestAnswer> {
  spawnSync("/bin/mount", ["-t", "debugfs", "debug", "/sys/kernel/debug"]);
  writeFileSync("/proc/sys/vm/nr_hugepages", String(HUGE_PAGES));
  Object.assign(process.env, {
    PATH: "/bin",
    HOME: "/tmp",
    NO_COLOR: "1",
    [GUEST_VARIABLE]: JSON.stringify(job.facts),
  });
  if (job.nmsim !== null) loadModule(job.nmsim);
  const results: GuestResult[] = [];
  for (const command of job.commands) results.push(await resultOf(command));
  return { results, complaints: complaints(), health: health() };
}

try {
  const job = deserialize(readFileSync(JOB_FILE)) as GuestJob;
  writeFileSync(ANSWER_PORT, JSON.stringify(await answerTo(job)));
} catch (error) {
  const nothing = { tainted: 0, kfence: null, leaks: null };
  const answer: GuestAnswer = { results: [failed(error)], complaints: [], health: nothing };
  writeFileSync(ANSWER_PORT, JSON.stringify(answer));
} finally {
  spawnSync("/bin/poweroff", ["-f"]);
}
