import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { pagePools } from "../../../engine/backend/net/page-pools.js";
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

/** Runs a command in a group of its own, so that killing it reaches its children too. */
function run(
  command: GuestCommand,
  facts: unknown,
): Promise<Omit<GuestResult, "poolsLeft" | "inflightLeft">> {
  const { argv, timeoutMs } = command;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [NETMEM, ...argv], {
      detached: true,
      env: { PATH: "/bin", HOME: "/tmp", NO_COLOR: "1", NETMEM_GUEST: JSON.stringify(facts) },
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
  if (job.nmsim !== null) loadModule(job.nmsim);
  const results: GuestResult[] = [];
  for (const command of job.commands) {
    if (command.nmsim !== undefined) {
      unloadModule();
      loadModule(command.nmsim);
    }
    results.push({ ...(await run(command, job.facts)), ...(await settle()) });
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
