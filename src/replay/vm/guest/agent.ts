import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { pagePools } from "../../../engine/backend/net/page-pools.js";
import { NetmemError } from "../../error.js";
import type { RawFlags } from "../../plan/layers.js";
import { GUEST_VARIABLE } from "../../run/guest-facts.js";
import {
  ANSWER_PORT,
  type GuestAnswer,
  type GuestCommand,
  type GuestJob,
  type GuestResult,
  JOB_FILE,
} from "./job.js";

// The first program of a guest: does the job, answers, and turns the machine off.

const NETMEM = "/netmem/bin/run.js";
/** How long a provider's pool may take to go, and how often it is looked for. */
const SETTLE_MS = 10_000;
const SETTLE_STEP_MS = 100;
/** Of 2 MiB: an area of 64 MiB, and something over. */
const HUGE_PAGES = 40;
/** What the kernel says when something is wrong. */
const COMPLAINT =
  /WARNING|BUG:|\bOops\b|refcount|KFENCE|stalled pool|leak|general protection|INFO: task/i;

function loadModule(parameters: Readonly<Record<string, string>>): void {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  execFileSync("/bin/insmod", ["/mod/nmsim.ko", ...words]);
}

function unloadModule(): void {
  spawnSync("/bin/rmmod", ["nmsim"]);
}

type Ended = Omit<GuestResult, "poolsLeft" | "inflightLeft">;

function run(command: GuestCommand): Promise<Ended> {
  if ("argv" in command) return runCommand(command.argv, command.timeoutMs);
  return replayHere(command.replay, command.timeoutMs);
}

/** Runs a command in a group of its own, so that killing it reaches its children too. */
function runCommand(argv: readonly string[], timeoutMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [NETMEM, ...argv], {
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
async function replayHere(
  { flags, capture }: { flags: RawFlags; capture: string },
  timeoutMs: number,
): Promise<Ended> {
  const { resolveConfig } = await import("../../plan/resolve.js");
  const { runReplay } = await import("../../run/run-replay.js");
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
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

function complaints(): string[] {
  const log = execFileSync("/bin/dmesg", { encoding: "utf8" });
  return log.split("\n").filter((line) => COMPLAINT.test(line));
}

async function answerTo(job: GuestJob): Promise<GuestAnswer> {
  writeFileSync("/proc/sys/vm/nr_hugepages", String(HUGE_PAGES));
  Object.assign(process.env, {
    PATH: "/bin",
    HOME: "/tmp",
    NO_COLOR: "1",
    [GUEST_VARIABLE]: JSON.stringify(job.facts),
  });
  if (job.nmsim !== null) loadModule(job.nmsim);
  const results: GuestResult[] = [];
  for (const command of job.commands) {
    if (command.nmsim !== undefined) {
      unloadModule();
      loadModule(command.nmsim);
    }
    results.push({ ...(await run(command)), ...(await settle()) });
  }
  return { results, complaints: complaints() };
}

try {
  const job = JSON.parse(readFileSync(JOB_FILE, "utf8")) as GuestJob;
  writeFileSync(ANSWER_PORT, JSON.stringify(await answerTo(job)));
} catch (error) {
  const stderr = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const failed = { status: null, stdout: "", stderr, poolsLeft: 0, inflightLeft: 0 };
  writeFileSync(ANSWER_PORT, JSON.stringify({ results: [failed], complaints: [] }));
} finally {
  spawnSync("/bin/poweroff", ["-f"]);
}
