import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
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
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** What the kernel says when something is wrong (and what it says of nmsim being out of tree is not). */
const COMPLAINT =
  /WARNING|BUG:|\bOops\b|refcount|KFENCE|stalled pool|leak|general protection|use-after-free|INFO: task/i;

function loadModule(job: GuestJob): void {
  if (job.nmsim === null) return;
  const parameters = Object.entries(job.nmsim).map(([name, value]) => `${name}=${value}`);
  execFileSync("/bin/insmod", ["/mod/nmsim.ko", ...parameters]);
}

function run({ argv, timeoutMs }: GuestCommand, facts: unknown): GuestResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [NETMEM, ...argv], {
    encoding: "utf8",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { PATH: "/bin", HOME: "/tmp", NO_COLOR: "1", NETMEM_GUEST: JSON.stringify(facts) },
  });
  return { status, stdout, stderr };
}

function complaints(): string[] {
  const log = execFileSync("/bin/dmesg", { encoding: "utf8" });
  return log.split("\n").filter((line) => COMPLAINT.test(line));
}

function answerTo(job: GuestJob): GuestAnswer {
  loadModule(job);
  const results = job.commands.map((command) => run(command, job.facts));
  return { results, complaints: complaints() };
}

try {
  const job = JSON.parse(readFileSync(JOB_FILE, "utf8")) as GuestJob;
  writeFileSync(ANSWER_PORT, JSON.stringify(answerTo(job)));
} catch (error) {
  const stderr = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const failed = { results: [{ status: null, stdout: "", stderr }], complaints: [] };
  writeFileSync(ANSWER_PORT, JSON.stringify(failed satisfies GuestAnswer));
} finally {
  spawnSync("/bin/poweroff", ["-f"]);
}
