import { NetmemError } from "../error.js";
import { FLAG_NAMES, FLAGS, type FlagSpec } from "../plan/flags.js";
import type { RawFlags } from "../plan/layers.js";
import { loadDocuments, looksLikeDocument } from "../record/load-document.js";
import { RECORD_SCHEMA, SUITE_SCHEMA } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import { recordsOf } from "./subjects.js";

/** What the arguments of `compare` and `gate` are. */
export type SideKind = "captures" | "records" | "commands";

/**
 * Tells what is to be compared or gated: captures to replay, records on disk, or two commands.
 *
 * @throws NetmemError NETMEM_USAGE for nothing, for a mixture, and for flags of a replay where
 *   nothing is replayed by this process.
 */
export async function sideKind(
  paths: readonly string[],
  commands: { readonly base: string | null; readonly head: string | null },
  flags: RawFlags,
): Promise<SideKind> {
  const given = [commands.base, commands.head].filter((command) => command !== null);
  if (given.length > 0) {
    if (paths.length > 0) throw usage("--base and --head bring their own captures", "no CAPTURE");
    if (given.length < 2) throw usage("--base and --head go together", "both");
    rejectReplayFlags(flags, "--base and --head");
    return "commands";
  }
  if (paths.length === 0) throw usage("nothing to replay or read", "a capture or a record");
  const documents = await Promise.all(paths.map((path) => path !== "-" && looksLikeDocument(path)));
  if (documents.every((is) => !is)) return "captures";
  if (documents.some((is) => !is)) {
    const capture = paths[documents.indexOf(false)];
    throw usage(`${capture} is no record, but others are`, "captures or records, not both");
  }
  rejectReplayFlags(flags, "records");
  return "records";
}

/**
 * The records in a file: of one record, of a suite, or of repetitions, one a line.
 *
 * @throws NetmemError NETMEM_RECORD_CUT for a damaged file or a record that an interrupt cut,
 *   NETMEM_USAGE for another kind of document.
 */
export async function loadRecords(path: string): Promise<NetmemRecord[]> {
  const documents = await loadDocuments(path);
  return documents.flatMap((document) => {
    if (document.schema !== RECORD_SCHEMA && document.schema !== SUITE_SCHEMA) {
      throw usage(`${path} is a ${document.schema}`, "a record or a suite");
    }
    const records = recordsOf(document, path);
    for (const { capture, warnings } of records) {
      if (!warnings.some(({ code }) => code === "interrupted")) continue;
      throw new NetmemError(
        "NETMEM_RECORD_CUT",
        `${path}: the replay of ${capture.path} was interrupted, so the record is cut`,
        "Make the record again.",
      );
    }
    return records;
  });
}

function rejectReplayFlags(flags: RawFlags, what: string): void {
  for (const name of FLAG_NAMES) {
    const { incidental }: FlagSpec<unknown> = FLAGS[name];
    // The seed draws the order of replays and the bootstrap's samples too.
    if (flags[name] === undefined || incidental === true || name === "seed") continue;
    throw usage(`--${name} has no effect on ${what}`, "it with captures alone");
  }
}

function usage(message: string, give: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", message, `Give ${give}.`);
}
