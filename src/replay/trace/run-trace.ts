import { NM_STATE, NM_WORDS } from "../../engine/netmem/netmem-table.js";
import { STATE_OWNER } from "../../engine/netmem/state.js";
import type { ReceivePath } from "../../engine/receive-path.js";
import { isStream, nameOf } from "../capture/stream.js";
import { NetmemError } from "../error.js";
import { isModulePath } from "../plan/provider-list.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { jsonNumber } from "../record/json-number.js";
import type { NetmemRecord } from "../record/schema.js";
import type { PlacedPacket, TraceDocument } from "../record/trace.js";
import type { ReplayHooks } from "../run/contract.js";
import type { Lanes } from "../run/lane.js";
import { runReplay } from "../run/run-replay.js";
import { listCaptures } from "../suite/list-captures.js";
import { followLives, followNetmems, type Lives } from "./follow.js";
import { awaitPacket } from "./placed.js";
import type { Subject } from "./subject.js";

/** Netmems that one trace follows at most; of more leaked ones those with the lowest numbers. */
const MAX_FOLLOWED = 1000;
/** Transitions kept by one trace at most. */
const MAX_EVENTS = 262_144;

/** What a trace is asked to do. */
export interface TracePlan {
  readonly config: ReplayConfig;
  readonly capture: string;
  readonly subject: Subject;
  /** Transitions kept of each netmem, the latest. */
  readonly last: number;
}

/** What a trace came to; exit codes are the replay's. */
export interface Trace {
  readonly document: TraceDocument;
  readonly exitCode: number;
}

/** One whole replay and its machine at the end. */
interface Run {
  readonly record: NetmemRecord;
  readonly exitCode: number;
  readonly path: ReceivePath;
}

/**
 * Follows netmems through a replay. What a packet was placed in, or what leaks, is known only once
 * it has happened: the capture is then replayed a second time, bit for bit as the first, with those
 * netmems followed from the start. So memory is bounded, whatever the capture.
 *
 * @throws NetmemError NETMEM_USAGE for a netmem or packet that does not exist.
 */
export async function runTrace(plan: TracePlan, hooks: ReplayHooks): Promise<Trace> {
  const { subject, capture } = plan;
  rejectModule(plan.config);
  await rejectCapture(capture, subject);
  if (subject.kind === "netmem") return await traceNetmem(plan, subject.number, hooks);
  const quiet = { ...plan.config, leaks: "count" as const };
  if (subject.kind === "packet") {
    const first = await findPacket({ ...plan, config: quiet }, subject.number, hooks);
    return await tracePacket(plan, first, hooks);
  }
  const run = await replayed({ ...plan, config: quiet }, hooks, () => {});
  // Where a run broke off, all that was on its way counts as leaked: one netmem is the culprit.
  const culprit = run.record.runs[0]!.violation?.netmem;
  const leaked = culprit === undefined ? leakedIn(run.path) : [Number(culprit)];
  return await traceLeaked(plan, leaked, hooks);
}

/** A provider module runs in a thread of its own, where nobody can look into its netmems. */
function rejectModule({ provider }: ReplayConfig): void {
  const module = provider.find(isModulePath);
  if (module === undefined) return;
  throw new NetmemError(
    "NETMEM_USAGE",
    `trace cannot look into a provider module (${module}): it runs in a thread of its own`,
    "netmem conform prints the history of what it finds; or trace page, devmem or zcrx.",
  );
}

/** One capture, and one that can be read as often as it must be. */
async function rejectCapture(capture: string, subject: Subject): Promise<void> {
  if (isStream(capture) && subject.kind !== "netmem") {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${nameOf(capture)} cannot be replayed twice, as a trace of a packet or of leaks must`,
      "Write the capture to a file first, or use --netmem N.",
    );
  }
  const list = await listCaptures([capture]);
  if (!list.suite) return;
  throw new NetmemError(
    "NETMEM_USAGE",
    `trace takes one capture, and ${capture} is ${list.paths.length}`,
    `Name one of them, such as ${list.paths[0]}.`,
  );
}

async function traceNetmem(plan: TracePlan, netmem: number, hooks: ReplayHooks): Promise<Trace> {
  let lives: Lives | null = null;
  const run = await replayed(plan, hooks, (path) => {
    rejectNetmem(path, netmem);
    lives = followNetmems(path, [netmem], plan.last);
  });
  return traceOf(plan, run, null, lives!);
}

function rejectNetmem({ table, options }: ReceivePath, netmem: number): void {
  if (netmem < table.count) return;
  const { areaNetmems, count } = table;
  const pages = areaNetmems < count ? `, ${areaNetmems} to ${count - 1} system pages` : "";
  throw new NetmemError(
    "NETMEM_USAGE",
    `there is no netmem ${netmem}: 0 to ${areaNetmems - 1} are ${options.provider}'s area${pages}`,
    `Use --netmem from 0 to ${count - 1}.`,
  );
}

/** The first replay: where the NIC put the packet. */
async function findPacket(
  plan: TracePlan,
  packet: number,
  hooks: ReplayHooks,
): Promise<PlacedPacket> {
  let placed: PlacedPacket | null = null;
  const run = await replayed(plan, hooks, (path, { arena }) => {
    awaitPacket(path, arena, packet, (found) => {
      placed = found;
    });
  });
  if (placed !== null) return placed;
  const passes = plan.config.loop > 1 ? ` in ${plan.config.loop} passes` : "";
  const { packets } = run.path;
  throw new NetmemError(
    "NETMEM_USAGE",
    `there is no packet ${packet}: ${packets} arrived${passes}`,
    packets === 0 ? "Check the capture." : `Use --packet from 1 to ${packets}.`,
  );
}

/** The second replay: the lives of the netmems around the packet. */
async function tracePacket(
  plan: TracePlan,
  packet: PlacedPacket,
  hooks: ReplayHooks,
): Promise<Trace> {
  let lives: Lives | null = null;
  const netmems = packet.placed.map(({ netmem }) => netmem);
  const run = await replayed(plan, hooks, (path, { arena }) => {
    const following = followLives(path, netmems, plan.last);
    awaitPacket(path, arena, packet.packet, () => following.pin());
    lives = following;
  });
  return traceOf(plan, run, packet, lives!);
}

async function traceLeaked(
  plan: TracePlan,
  leaked: readonly number[],
  hooks: ReplayHooks,
): Promise<Trace> {
  let lives: Lives | null = null;
  const shown = leaked.slice(0, MAX_FOLLOWED);
  const most = Math.floor(MAX_EVENTS / Math.max(shown.length, 1));
  const run = await replayed(plan, hooks, (path) => {
    lives = followNetmems(path, shown, Math.min(plan.last, most));
  });
  return traceOf(plan, run, null, lives!);
}

/** Netmems that somebody other than the provider holds. */
function leakedIn({ table }: ReceivePath): number[] {
  const found: number[] = [];
  for (let n = 0; n < table.count; n++) {
    if (STATE_OWNER[table.words[n * NM_WORDS + NM_STATE]!] !== "") found.push(n);
  }
  return found;
}

/** One replay; `onPath` sees its machine before the first packet. */
async function replayed(
  { config, capture }: TracePlan,
  hooks: ReplayHooks,
  onPath: (path: ReceivePath, lanes: Lanes) => void,
): Promise<Run> {
  let path: ReceivePath | null = null;
  const onLanes = (lanes: Lanes) => {
    path = lanes.lanes[0]!.path;
    onPath(path, lanes);
    hooks.onLanes?.(lanes);
  };
  const { document, exitCode } = await runReplay(config, [capture], { ...hooks, onLanes });
  return { record: document as NetmemRecord, exitCode, path: path! };
}

function traceOf(
  { subject, last }: TracePlan,
  { record, exitCode, path }: Run,
  packet: PlacedPacket | null,
  lives: Lives,
): Trace {
  const { areaNetmems, count } = path.table;
  const what = subject.kind === "leaked" ? "--leaked" : `--${subject.kind} ${subject.number}`;
  const command = `netmem trace ${what} --last ${last}`;
  const { path: file, sha256, packets } = record.capture;
  const document: TraceDocument = {
    schema: "netmem.trace/1",
    capture: { path: file, sha256, packets },
    reproduce: record.reproduce.replace("netmem replay", command),
    provider: record.runs[0]!.provider,
    areaNetmems,
    allNetmems: count,
    subject: subject.kind,
    packet,
    violation: record.runs[0]!.violation?.message ?? null,
    leaked: jsonNumber(Number(record.runs[0]!.leaks.count)),
    lives: lives.read(),
  };
  return { document, exitCode };
}
