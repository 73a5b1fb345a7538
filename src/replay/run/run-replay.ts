import { InvariantViolation } from "../../engine/ledger/invariant.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { openAhead, openCapture } from "../capture/open.js";
import type { CaptureFacts } from "../capture/reader.js";
import type { ByteSource } from "../capture/source.js";
import { isStream, nameOf } from "../capture/stream.js";
import { NetmemError } from "../error.js";
import { hostNowNs } from "../measure/timer.js";
import { inlineForLongRun } from "../measure/v8-flags.js";
import { Schedule } from "../pacing/schedule.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { NetmemRecord } from "../record/schema.js";
import { replayBackends } from "./backends.js";
import type { ReplayHooks, ReplayResult } from "./contract.js";
import { buildLanes, type Lanes } from "./lane.js";
import { buildRecord } from "./record-of.js";
import { planCaptures, replayEach } from "./replay-each.js";
import { collectIntervals } from "./series-of.js";
import { closePass, type Sockets, sameDeliveries } from "./streams.js";

/** The event loop turns, and signals are heard, at least this often. */
const TURN_NS = 50e6;

/** What the first lane's NIC and stack found wrong with the packets of one pass. */
export interface Findings {
  readonly badChecksums: number;
  /** Frames whose payload the snapshot length cut. */
  readonly cutFrames: number;
  readonly clampedTimestamps: number;
}

/** What a replay of one capture came to, before it is put into a record. */
export interface Outcome {
  readonly config: ReplayConfig;
  readonly lanes: Lanes;
  readonly facts: CaptureFacts;
  /** What the first pass found in the capture beside its records. */
  readonly found: Findings;
  /** The sockets of the first pass, for each lane. */
  readonly sockets: readonly Sockets[];
  readonly passes: number;
  /** Lanes whose passes delivered different bytes. */
  readonly mismatched: readonly string[];
  readonly interrupted: boolean;
  readonly floorNs: number | null;
}

/** See {@link RunReplay} in contract.ts. */
export async function runReplay(
  config: ReplayConfig,
  given: readonly string[],
  hooks: ReplayHooks,
): Promise<ReplayResult> {
  const captures = await planCaptures(config, given);
  return replayEach(config, captures, hooks.signal, (path) => replayOne(config, path, hooks));
}

/** One capture through every backend that was named. */
async function replayOne(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
): Promise<NetmemRecord> {
  if (config.natives.length === 0) return replayModel(config, path, hooks);
  return replayBackends(config, path, hooks, replayModel);
}

async function replayModel(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
): Promise<NetmemRecord> {
  const ahead = openAhead(path);
  inlineForLongRun(path, config.loop);
  try {
    const outcome = await replayLanes(config, path, hooks, ahead);
    return buildRecord(outcome);
  } finally {
    ahead?.close();
  }
}

async function replayLanes(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
  ahead: ByteSource | null,
): Promise<Outcome> {
  let lanes: Lanes;
  try {
    // Rings are filled here: a provider's first netmems are under the rules too.
    lanes = buildLanes(config);
    hooks.onLanes?.(lanes);
  } catch (error) {
    if (!(error instanceof InvariantViolation)) throw error;
    throw new NetmemError(
      "NETMEM_INVARIANT",
      `${path}: ${error.message} (packets replayed: none)`,
      "This is a defect in a provider, a driver profile or netmem; --leaks trace tells more.",
    );
  }
  const outcome = await replayPasses(config, path, lanes, hooks, ahead);
  for (const { provider, path: run, violation } of lanes.lanes) {
    if (violation === null) continue;
    hooks.warn(`${path}: ${provider}, after ${run.packets} packets: ${violation.message}`);
  }
  return outcome;
}

async function replayPasses(
  config: ReplayConfig,
  path: string,
  lanes: Lanes,
  hooks: ReplayHooks,
  ahead: ByteSource | null,
): Promise<Outcome> {
  if (config.loop > 1 && isStream(path)) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${nameOf(path)} cannot be replayed more than once`,
      "Leave --loop out, or write the capture to a file first.",
    );
  }
  const schedule = new Schedule(config.pacing);
  const turn = new EventLoopTurn();
  const floor = { ns: 0, packets: 0 };
  const mismatched = new Set<string>();
  let facts: CaptureFacts | null = null;
  let sockets: Sockets[] = [];
  let found: Findings | null = null;
  let passes = 0;
  while (passes === 0 || (passes < config.loop && !hooks.signal.aborted)) {
    if (passes > 0) schedule.nextPass(latestOf(lanes));
    facts = await replayPass(config, path, {
      lanes,
      schedule,
      floor,
      hooks,
      turn,
      source: passes === 0 ? ahead : null,
    });
    passes++;
    const last = passes === config.loop || hooks.signal.aborted;
    const delivered = lanes.lanes.map((lane) => {
      lane.endPass(last);
      return closePass(lane);
    });
    delivered.forEach((rows, i) => {
      const { provider, violation, starved } = lanes.lanes[i]!;
      // A pass that was broken off, that faults fell into, or that lost packets for want of memory
      // says nothing about the others.
      const broken = hooks.signal.aborted || violation !== null || config.faults.length > 0;
      const alike = passes === 1 || broken || starved;
      if (!alike && !sameDeliveries(sockets[i]!, rows)) mismatched.add(provider);
    });
    if (passes === 1) {
      sockets = delivered;
      found = findingsOf(lanes, schedule);
    }
  }
  for (const lane of lanes.lanes) lane.teardown();
  tellIntervals(path, lanes, hooks);
  return {
    config,
    lanes,
    facts: facts!,
    found: found!,
    sockets,
    passes,
    mismatched: [...mismatched],
    interrupted: hooks.signal.aborted,
    floorNs: floor.packets > 0 ? floor.ns / floor.packets : null,
  };
}

/** Hands over the intervals that have ended, provider by provider. */
function tellIntervals(capture: string, { lanes }: Lanes, hooks: ReplayHooks): void {
  for (const lane of lanes) {
    collectIntervals(lane, (provider, interval) =>
      hooks.onInterval?.({ capture, provider, backend: "memory", interval }),
    );
  }
}

function findingsOf(lanes: Lanes, schedule: Schedule): Findings {
  const { placement, nic, defrag } = lanes.lanes[0]!.path;
  return {
    badChecksums: placement.badTcpChecksums + nic.badIpChecksums + defrag.badTcpChecksums,
    cutFrames: nic.cutFrames,
    clampedTimestamps: schedule.clamped,
  };
}

/** When the slowest lane was done with the last pass. */
function latestOf(lanes: Lanes): { seconds: number; nanoseconds: number } {
  const times = lanes.lanes.map((lane) => lane.path.elapsed());
  return times.reduce((a, b) =>
    b.seconds > a.seconds || (b.seconds === a.seconds && b.nanoseconds > a.nanoseconds) ? b : a,
  );
}

/** Lets the event loop turn now and then, so that signals are heard; short passes add up. */
class EventLoopTurn {
  #lastNs = hostNowNs();

  /** Turns the loop if it is time to, calling `before` first; true if it did. */
  async taken(before: () => void): Promise<boolean> {
    if (hostNowNs() - this.#lastNs < TURN_NS) return false;
    before();
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastNs = hostNowNs();
    return true;
  }
}

interface Pass {
  readonly lanes: Lanes;
  readonly schedule: Schedule;
  readonly floor: { ns: number; packets: number };
  readonly hooks: ReplayHooks;
  readonly turn: EventLoopTurn;
  /** Where the first pass reads, if that was opened before. */
  readonly source: ByteSource | null;
}

/** Reads the capture once; every batch goes to every lane. */
async function replayPass(config: ReplayConfig, path: string, pass: Pass): Promise<CaptureFacts> {
  const { lanes, schedule, floor, hooks, turn, source } = pass;
  const batch = new PacketBatch();
  const reader = await openCapture(path, lanes.window, {
    reader: config.reader,
    ...(config.limit === null ? {} : { limit: config.limit }),
    ...(source === null ? {} : { source }),
    signal: hooks.signal,
  });
  const progress = { packets: 0, bytes: 0, totalBytes: null };
  try {
    while (await reader.next(batch)) {
      if (lanes.floor !== null) {
        const before = hostNowNs();
        lanes.floor.run(batch, "wasm");
        floor.ns += hostNowNs() - before;
        floor.packets += batch.count;
      }
      progress.packets += batch.count;
      for (let i = 0; i < batch.count; i++) progress.bytes += batch.capturedBytes[i]!;
      schedule.apply(batch);
      const arriving = lanes.wire === null ? batch : lanes.wire.transmit(batch);
      for (const lane of lanes.lanes) lane.ingest(arriving);
      if (config.intervalNs !== null) tellIntervals(path, lanes, hooks);
      if (await turn.taken(() => hooks.onProgress?.(progress))) {
        if (hooks.signal.aborted) break;
      }
    }
    return await reader.finish();
  } finally {
    reader.close();
  }
}
