import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's root, where `bin/run.js` and `fixtures/` are. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The program as a user starts it; needs `npm run build`. */
export const RUN_JS = fileURLToPath(new URL("../../bin/run.js", import.meta.url));

/** What a finished process left behind. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer;
}

/** Variables that would let this process's own surroundings into the test. */
const HIDDEN = /^(NETMEM_|NO_COLOR|FORCE_COLOR|NODE_ENV|NODE_OPTIONS|VITEST|TEST|DEBUG)/;

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !HIDDEN.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...extra };
}

/** Runs `bin/run.js` to its end with its output in pipes. */
export function runCli(args: readonly string[], { cwd, env, input }: Surroundings = {}): Finished {
  return finish(process.execPath, [RUN_JS, ...args], { cwd: cwd ?? ROOT, env, input });
}

/** Runs a bash command line in which `netmem` stands for `bin/run.js`. */
export function runShell(line: string): Finished {
  const netmem = `netmem() { '${process.execPath}' '${RUN_JS}' "$@"; }`;
  return finish("bash", ["-c", `set -o pipefail; ${netmem}; ${line}`], { cwd: ROOT });
}

/** Runs a program to its end, without the variables of this process that are for netmem or Node. */
export function finish(
  program: string,
  args: string[],
  { cwd, env, input }: Surroundings,
): Finished {
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    cwd,
    input,
    env: environment(env),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return { stdout, stderr, code: status };
}

/** Starts `bin/run.js`, sends it SIGINT after a while, and waits for its end. */
export async function interruptCli(args: readonly string[], afterMs: number): Promise<Finished> {
  const child = spawn(process.execPath, [RUN_JS, ...args], { cwd: ROOT, env: environment() });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGINT"), afterMs);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  return { stdout, stderr, code };
}
