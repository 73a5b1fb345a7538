import { createReadStream, createWriteStream, existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { CaptureFacts } from "../capture/reader.js";
import { NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { recordConfig, reproduceLine } from "../plan/reproduce.js";
import { MAX_INTERVALS } from "../record/limits.js";
import { RECORD_SCHEMA } from "../record/names.js";
import type { NetmemRecord, RunRecord } from "../record/schema.js";
import { build } from "./build-info.js";
import { captureRecord } from "./capture-record.js";
import { unreadLinkTypes } from "./capture-warnings.js";
import type { ReplayHooks } from "./contract.js";
import { guestFacts } from "./guest-facts.js";
import { runNative } from "./native.js";
import type { NativeOutcome } from "./native-messages.js";

type ReplayModel = (
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
) => Promise<NetmemRecord>;

/**
 * Replays a capture through several backends, one after the other, into one record: the model
 * first where it is among them. A capture that can be read once only is put aside first.
 *
 * @throws NetmemError as the backends do; the first that cannot run ends the whole.
 */
export async function replayBackends(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
  replayModel: ReplayModel,
): Promise<NetmemRecord> {
  const held = await fileOf(path);
  // Whoever reads along knows the capture by its own name.
  const { onInterval } = hooks;
  const named: ReplayHooks =
    onInterval === undefined
      ? hooks
      : { ...hooks, onInterval: (ended) => onInterval({ ...ended, capture: path }) };
  try {
    const model = config.backend.split(",").includes("memory")
      ? await replayModel(config, held.path, named)
      : null;
    const natives: Array<readonly [string, NativeOutcome]> = [];
    for (const backend of config.natives) {
      if (hooks.signal.aborted && (model !== null || natives.length > 0)) break;
      natives.push([backend, await runNative(config, backend, held.path, named)]);
    }
    return merged(config, path, model, natives, hooks.signal.aborted);
  } finally {
    await held.release();
  }
}

function merged(
  config: ReplayConfig,
  path: string,
  model: NetmemRecord | null,
  natives: ReadonlyArray<readonly [string, NativeOutcome]>,
  interrupted: boolean,
): NetmemRecord {
  const base = model ?? recordOf(config, path, natives[0]![1]);
  const runs = [...base.runs, ...natives.map(([, outcome]) => outcome.run)];
  const warnings = natives.flatMap(([backend, outcome]) => warningsOf(backend, outcome, config));
  if (interrupted && !base.warnings.some(({ code }) => code === "interrupted")) {
    const message = "interrupted: the record covers what was replayed";
    warnings.unshift({ code: "interrupted", message });
  }
  return {
    ...base,
    reproduce: reproduceLine(build(), config, { path, sha256: base.capture.sha256 }),
    capture: { ...base.capture, path },
    config: { ...base.config, provider: [...new Set(runs.map(({ provider }) => provider))] },
    warnings: [...base.warnings, ...warnings],
    runs: orderedBy(config.backend.split(","), runs),
    ...guestOf(),
  };
}

/** Where the record comes from a virtual machine: which one. */
function guestOf(): Pick<NetmemRecord, "guest"> {
  const guest = guestFacts();
  return guest === null ? {} : { guest };
}

/** A record without runs, of what a native run read. */
function recordOf(config: ReplayConfig, path: string, outcome: NativeOutcome): NetmemRecord {
  const { facts, found } = outcome;
  const tool = build();
  return {
    schema: RECORD_SCHEMA,
    netmem: tool,
    reproduce: reproduceLine(tool, config, { ...facts, path }),
    config: recordConfig(config, outcome.rcvbufBytes),
    warnings: captureWarnings(facts, found.badChecksums, found.cutFrames),
    capture: captureRecord(facts, path, found),
    runs: [],
  };
}

function captureWarnings(
  facts: CaptureFacts,
  badChecksums: number,
  cutFrames: number,
): NetmemRecord["warnings"] {
  const found: NetmemRecord["warnings"] = [];
  const places = facts.damage.length === 1 ? "1 place" : `${facts.damage.length} places`;
  if (facts.damage.length > 0) {
    found.push({ code: "damaged", message: `the capture is damaged at ${places}` });
  }
  if (badChecksums > 0) {
    const packets = counted(badChecksums, "packet");
    const message = `${packets} with a wrong checksum (offloaded captures do)`;
    found.push({ code: "bad-checksums", message });
  }
  found.push(...unreadLinkTypes(facts.linkTypes));
  if (cutFrames > 0) {
    const message = `${counted(cutFrames, "packet")} cut by the snapshot length`;
    found.push({ code: "cut-packets", message });
  }
  return found;
}

/** What a reader should know of a native run: what was changed, and what was left. */
function warningsOf(
  backend: string,
  { run, mismatched, intervals }: NativeOutcome,
  { holdNs }: ReplayConfig,
): NetmemRecord["warnings"] {
  const found: NetmemRecord["warnings"] = [];
  const { altered, left, holes } = run.native!;
  const add = (code: string, count: number | string, message: string) => {
    if (Number(count) > 0) found.push({ code, message: `${backend}: ${message}` });
  };
  add("payload-mismatch", mismatched ? 1 : 0, "passes of --loop delivered different bytes");
  const held = Number(run.latency.hold?.count ?? 0);
  const unheld = holdNs > 0 && held === 0 && Number(run.deliveredBytes) > 0;
  add("hold-without-effect", unheld ? 1 : 0, "--hold had nothing to hold: all of it was copied");
  const rewritten = altered.acksRewritten;
  add(
    "acks-rewritten",
    rewritten,
    `${counted(rewritten, "packet")} with the ACK field set to the socket's`,
  );
  const mapped = altered.mappedConnections;
  add(
    "addresses-mapped",
    mapped,
    `${counted(mapped, "connection")} replayed at addresses of the run`,
  );
  const joined = altered.joinedDatagrams;
  add("fragments-joined", joined, `${counted(joined, "datagram")} joined before the kernel could`);
  const rebuilt = counted(altered.coalescedSegments, "segment");
  add(
    "segments-rebuilt",
    altered.coalescedSegments,
    `${rebuilt} rebuilt by --coalesce: the bytes are the capture's, the packets are not`,
  );
  const split = altered.splitPackets;
  add("packets-split", split, `${counted(split, "packet")} beyond 64 KiB replayed in parts`);
  const signed = altered.signaturesRemoved ?? 0;
  add("signatures-removed", signed, `${counted(signed, "packet")} replayed without a signature`);
  add("holes", holes.length, `${counted(holes.length, "stream")} cut short by a hole${at(holes)}`);
  const unheldRows = Math.max(0, intervals - MAX_INTERVALS);
  const cut = `${intervals} intervals; the record holds the first ${MAX_INTERVALS}`;
  add("intervals-cut", unheldRows, cut);
  const behind = Number(left.sockets) + Number(left.mappedPages) + Number(left.interfaces);
  add("left-behind", behind, `${behind} sockets, pages or interfaces left at the end`);
  return found;
}

/** Where the first of some holes is. */
function at([first, ...more]: NonNullable<RunRecord["native"]>["holes"]): string {
  if (first === undefined) return "";
  const { src, sport, dst, dport, atByte, packet } = first;
  const where = `${src}:${sport} > ${dst}:${dport} at byte ${atByte}, packet ${packet}`;
  return more.length === 0 ? `: ${where}` : `; the first: ${where}`;
}

/** `1 packet`, `2 packets`. */
function counted(count: number | string, noun: string): string {
  return `${count} ${noun}${Number(count) === 1 ? "" : "s"}`;
}

/** Runs in the order in which their backends were named. */
function orderedBy(names: readonly string[], runs: readonly RunRecord[]): RunRecord[] {
  return names.flatMap((name) => runs.filter((run) => run.backend === name));
}

/** A file that can be read again, and what takes it away afterwards. */
async function fileOf(path: string): Promise<{ path: string; release: () => Promise<void> }> {
  const keep = { path, release: async () => {} };
  if (path !== "-" && (!existsSync(path) || !isStream(path))) return keep;
  const folder = await mkdtemp(join(tmpdir(), "netmem-"));
  const release = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, "capture");
    const source = path === "-" ? process.stdin : createReadStream(path);
    await pipeline(source, createWriteStream(file, { mode: 0o600 }));
    return { path: file, release };
  } catch (error) {
    await release();
    throw new NetmemError(
      "NETMEM_CAPTURE_UNREADABLE",
      `${path}: it cannot be put aside to be read twice (${(error as Error).message})`,
      "Write the capture to a file first.",
    );
  }
}

function isStream(path: string): boolean {
  const stats = statSync(path);
  return !stats.isFile() && !stats.isDirectory();
}
