import { type SpawnOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

/** The program as a user starts it. */
export const RUN_JS = fileURLToPath(new URL("../bin/run.js", import.meta.url));

// A machine may have every Node read certificates of its own first, about 50 ms, whatever it runs.
const { NODE_EXTRA_CA_CERTS: _, ...ENV } = process.env;

/** What a process came to, start and end included. */
export interface Finished {
  readonly ms: number;
  /** The most resident memory that it ever had; 0 where the system does not tell. */
  readonly peakBytes: number;
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs a program to its end; `input`, where given, is piped into it. */
export async function run(
  program: string,
  args: readonly string[],
  { input, cwd }: { input?: Iterable<Uint8Array>; cwd?: string } = {},
): Promise<Finished> {
  const stdio: SpawnOptions["stdio"] = [input === undefined ? "ignore" : "pipe", "pipe", "ignore"];
  const startMs = performance.now();
  const child = spawn(program, args, { stdio, env: ENV, ...(cwd === undefined ? {} : { cwd }) });
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid!));
  };
  const timer = setInterval(look, 50);
  const parts: Buffer[] = [];
  child.stdout!.on("data", (chunk: Buffer) => parts.push(chunk));
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  if (input !== undefined) await pipeline(Readable.from(input, { objectMode: true }), child.stdin!);
  const code = await closed;
  clearInterval(timer);
  const ms = performance.now() - startMs;
  return { ms, peakBytes, code, stdout: Buffer.concat(parts).toString("utf8") };
}

/** VmHWM of a process, bytes. */
function peakOf(pid: number): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return line === null ? 0 : Number(line[1]) * 1024;
  } catch {
    return 0;
  }
}
