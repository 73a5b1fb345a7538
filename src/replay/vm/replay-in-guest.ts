import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { NetmemRecord } from "../record/schema.js";
import type { ReplayResult } from "../run/contract.js";
import { planCaptures, replayEach } from "../run/replay-each.js";
import type { GuestResult } from "./guest/job.js";
import { nmsimParameters } from "./guest-config.js";
import { type PreparedGuest, preparedGuest, prepareGuest } from "./prepare.js";
import { runGuest } from "./run-guest.js";

/** What the user asks for. */
export interface GuestReplayRequest {
  readonly kernel: string;
  /** Paths, folders and globs, as `replay` takes them. */
  readonly captures: readonly string[];
  readonly config: ReplayConfig;
  /** What each capture may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** What came of it. */
export interface GuestReplayed extends ReplayResult {
  /** What the guest's kernel complained of. */
  readonly complaints: readonly string[];
}

/** The prepared guest of a kernel; prepares it where that was not done. */
export async function guestOf(
  kernel: string,
  signal: AbortSignal,
  onStep: (text: string) => void,
): Promise<PreparedGuest> {
  return (
    (await preparedGuest(kernel)) ??
    (await prepareGuest({ kernel, kernelDebs: [], signal, onStep }))
  );
}

/** The facts of a guest that its records carry. */
export function factsOf(guest: PreparedGuest): NonNullable<NetmemRecord["guest"]> {
  const { release, version, sha256, pinned, accelerator, nmsim } = guest;
  return { release, version, sha256, pinned, accelerator, nmsim };
}

/**
 * Replays captures in a guest, all in one boot, and brings the document and the exit status back.
 *
 * @throws NetmemError as the run in the guest ended, or where the guest cannot run.
 */
export async function replayInGuest(request: GuestReplayRequest): Promise<GuestReplayed> {
  const { config, signal, onStep, timeoutMs } = request;
  const plan = await planCaptures(config, request.captures);
  const inside = new Map<string, string>();
  for (const [i, path] of plan.paths.entries()) {
    if (existsSync(path)) inside.set(path, `captures/${i}/${basename(path)}`);
  }
  if (inside.size === 0 && plan.paths.length > 0) throw missingCapture(plan.paths[0]!);
  const guest = await guestOf(request.kernel, signal, onStep);
  onStep(`booting ${guest.release}`);
  const { results, complaints } = await runGuest({
    guest,
    job: {
      facts: factsOf(guest),
      nmsim: guest.nmsim ? nmsimParameters(config) : null,
      commands: [...inside.values()].map((name) => ({
        replay: { config, capture: `/${name}` },
        timeoutMs,
      })),
    },
    files: new Map([...inside].map(([path, name]) => [name, resolve(path)])),
    signal,
  });
  const order = [...inside.keys()];
  const done = await replayEach(config, plan, signal, async (path) => {
    const at = order.indexOf(path);
    if (at < 0) throw missingCapture(path);
    return renamed(recordOf(results[at]), `/${inside.get(path)}`, path);
  });
  return { ...done, complaints };
}

/** The record of a run; an error of the run is thrown as if it had happened here. */
function recordOf(result: GuestResult | undefined): NetmemRecord {
  if (result === undefined) throw failed("the guest ended before it", "");
  const { stdout, stderr, status } = result;
  if (stdout === "" || status === null) {
    throw failed(
      `the replay in the guest gave no record (${status === null ? "its time was up" : status})`,
      stderr.trim().split("\n").slice(-5).join("\n"),
    );
  }
  const document = JSON.parse(stdout) as NetmemRecord | { error: GuestError };
  if (!("error" in document)) return document;
  const { code, message, suggestion } = document.error;
  throw new NetmemError(code, `in the guest: ${message}`, suggestion);
}

type GuestError = Pick<NetmemError, "code" | "message" | "suggestion">;

function failed(what: string, words: string): NetmemError {
  return new NetmemError(
    "NETMEM_BACKEND_FAILED",
    words === "" ? what : `${what}:\n${words}`,
    "Give it more time with --time-limit, or fewer packets with --limit.",
  );
}

/** Puts this machine's path, and this command, in the place of the guest's. */
function renamed(record: NetmemRecord, inside: string, path: string): NetmemRecord {
  record.capture.path = path;
  record.reproduce = record.reproduce
    .replace("netmem replay", "netmem vm run")
    .replace(inside, () => path);
  return record;
}

function missingCapture(path: string): NetmemError {
  return new NetmemError(
    "NETMEM_CAPTURE_MISSING",
    `${path}: no such file`,
    "Give the path of a capture file; a guest cannot read standard input.",
  );
}
