import { access } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { EXIT, NetmemError } from "../error.js";
import type { NetmemRecord, NetmemSuite, ReplayDocument } from "../record/schema.js";
import type { GuestResult } from "./guest/job.js";
import { guestArguments, nmsimParameters } from "./guest-flags.js";
import { type PreparedGuest, preparedGuest, prepareGuest } from "./prepare.js";
import { runGuest } from "./run-guest.js";

/** What the user asks for. */
export interface GuestReplay {
  readonly kernel: string;
  readonly captures: readonly string[];
  /** Flags of `replay` as they were given. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** What came of it. */
export interface GuestReplayed {
  readonly document: ReplayDocument;
  readonly exitCode: number;
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
 * Replays captures in a guest and brings the document and the exit status back.
 *
 * @throws NetmemError as the run in the guest ended, or where the guest cannot run.
 */
export async function replayInGuest(request: GuestReplay): Promise<GuestReplayed> {
  const { captures, given, onStep } = request;
  const files = new Map<string, string>();
  const inside = await Promise.all(
    captures.map(async (path, i) => {
      await access(path).catch(() => {
        throw missingCapture(path);
      });
      const name = `captures/${i}/${basename(path)}`;
      files.set(name, resolve(path));
      return `/${name}`;
    }),
  );
  const guest = await guestOf(request.kernel, request.signal, onStep);
  onStep(`booting ${guest.release}`);
  const { results, complaints } = await runGuest({
    guest,
    job: {
      facts: factsOf(guest),
      nmsim: guest.nmsim ? nmsimParameters(given) : null,
      commands: [{ argv: guestArguments(given, inside), timeoutMs: request.timeoutMs }],
    },
    files,
    signal: request.signal,
  });
  const document = documentOf(results[0]!);
  renamed(document, new Map(inside.map((path, i) => [path, captures[i]!])));
  return { document, exitCode: results[0]!.status ?? EXIT.defect, complaints };
}

/** The document of a run; an error of the run is thrown as if it had happened here. */
function documentOf({ stdout, stderr, status }: GuestResult): ReplayDocument {
  let document: ReplayDocument | { error: { code: string; message: string; suggestion: string } };
  try {
    document = JSON.parse(stdout) as typeof document;
  } catch {
    const how = status === null ? "its time was up" : `it ended with ${status}`;
    const last = stderr.trim().split("\n").slice(-5).join("\n");
    throw new NetmemError(
      "NETMEM_BACKEND_FAILED",
      `the replay in the guest printed no record (${how})${last === "" ? "" : `:\n${last}`}`,
      "Give it more time with --time-limit, or fewer packets with --limit.",
    );
  }
  if (!("error" in document)) return document;
  const { code, message, suggestion } = document.error;
  throw new NetmemError(code as NetmemError["code"], `in the guest: ${message}`, suggestion);
}

/** Puts this machine's paths, and this command, in the place of the guest's. */
function renamed(document: ReplayDocument, paths: ReadonlyMap<string, string>): void {
  const records = "records" in document ? (document as NetmemSuite).records : [document];
  for (const record of records as NetmemRecord[]) {
    const inside = record.capture.path;
    const path = paths.get(inside) ?? inside;
    record.capture.path = path;
    record.reproduce = record.reproduce
      .replace("netmem replay", "netmem vm run")
      .replace(inside, path)
      .replace(/ --(interface|peer)[= ]\S+/g, "");
  }
}

function missingCapture(path: string): NetmemError {
  return new NetmemError(
    "NETMEM_CAPTURE_MISSING",
    `${path}: no such file`,
    "Give the path of a capture file; a guest cannot read standard input.",
  );
}
