import { createHash, type Hash } from "node:crypto";
import type { NativeBackend, StreamOutcome, StreamSink } from "../../engine/backend/backend.js";
import { nativeBackend } from "../../engine/backend/natives.js";
import { Unavailable } from "../../engine/backend/unavailable.js";
import { RealDirector } from "../../engine/fault/real-director.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { openCapture } from "../capture/open.js";
import type { CaptureFacts } from "../capture/reader.js";
import { hostNowNs } from "../measure/timer.js";
import { inlineForLongRun } from "../measure/v8-flags.js";
import { Schedule } from "../pacing/schedule.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { parseSteer } from "../plan/steer.js";
import { isForMemory } from "../record/names.js";
import type { RealIntervalRecord } from "../record/series-schema.js";
import type { Progress } from "./contract.js";
import { guestFacts } from "./guest-facts.js";
import { receiveOptions } from "./lane.js";
import { NativeIntervals } from "./native-intervals.js";
import type { NativeOutcome, NativeTask } from "./native-messages.js";
import { Pace } from "./native-pace.js";
import { nativeRun } from "./native-record.js";

/** A stop is heard, and progress told, at least this often. */
const TURN_NS = 50e6;

/** SHA-256 of what each stream's application read. */
class Digests implements StreamSink {
  #hashes: Array<Hash | undefined> = [];

  deliver(stream: number, bytes: Uint8Array): void {
    let hash = this.#hashes[stream];
    if (hash === undefined) {
      hash = createHash("sha256");
      this.#hashes[stream] = hash;
    }
    hash.update(bytes);
  }

  /** The digests of `count` streams; the next pass begins. */
  take(count: number): string[] {
    const digests = Array.from({ length: count }, (_, i) =>
      (this.#hashes[i] ?? createHash("sha256")).digest("hex"),
    );
    this.#hashes = [];
    return digests;
  }
}

/** What a native replay tells while it runs. */
export interface NativeHooks {
  readonly onProgress: (progress: Progress) => void;
  readonly onInterval: (provider: string, interval: RealIntervalRecord) => void;
}

/** Who listens to a replay, when it must end, and what cuts it into intervals, if anything does. */
interface Watch extends NativeHooks {
  readonly stop: AbortSignal;
  readonly intervals: NativeIntervals | null;
}

/**
 * Replays a capture through a native backend: once over it to find its connections, then once for
 * each pass. Called in the process and the namespace of the run.
 *
 * @throws Unavailable where the machine lacks something; NetmemError for the capture.
 */
export async function replayNative(
  task: NativeTask,
  stop: AbortSignal,
  hooks: NativeHooks,
): Promise<NativeOutcome> {
  const { config } = task;
  const make = nativeBackend(task.backend);
  if (make === undefined) {
    throw new Unavailable(task.backend, "this netmem does not have it", "use another --backend");
  }
  // The engine runs here too, on a UMEM.
  inlineForLongRun(task.path, config.loop);
  const digests = config.streams || config.loop > 1 ? new Digests() : null;
  const intervals = intervalsOf(config, (interval) => hooks.onInterval(backend.provider, interval));
  const backend: NativeBackend = make(
    {
      readSizeBytes: config.readSizeBytes,
      readDelayNs: config.readDelayNs,
      holdNs: config.holdNs,
      rcvbuf: config.rcvbuf,
      // With faults every packet is read as it comes, so that counts say what was before each.
      readEvery: config.faults.length > 0 ? 1 : task.look.readEvery,
      traced: task.look.traced,
      look: intervals?.look ?? null,
      coalesceBytes: config.coalesceBytes,
      verifyChecksums: config.checksum === "verify",
      link: config.link,
      engine: receiveOptions(config, "page", parseSteer(config.steer)),
    },
    digests,
  );
  try {
    return await replayPasses(task, backend, digests, { ...hooks, stop, intervals });
  } finally {
    backend.teardown();
  }
}

/** What cuts a run into intervals; a guest's clock measures nothing. */
function intervalsOf(
  { intervalNs }: ReplayConfig,
  tell: (interval: RealIntervalRecord) => void,
): NativeIntervals | null {
  return intervalNs === null || guestFacts() !== null
    ? null
    : new NativeIntervals(intervalNs, tell);
}

async function replayPasses(
  task: NativeTask,
  backend: NativeBackend,
  digests: Digests | null,
  watch: Watch,
): Promise<NativeOutcome> {
  const { config } = task;
  const schedule = new Schedule(config.pacing);
  const pace = config.pacing.mode === "topspeed" ? null : new Pace();
  const director = config.faults.length > 0 ? new RealDirector(backend, config.faults) : null;
  const machine = director ?? backend;
  const progress = { packets: 0, bytes: 0, totalBytes: null };
  let facts: CaptureFacts | null = null;
  let rows: StreamOutcome[] = [];
  let shas: string[] = [];
  let mismatched = false;
  let passes = 0;
  if (backend.surveys)
    await walk(task, backend, watch, async (batch) => {
      backend.survey(batch);
      return null;
    });
  while (passes === 0 || (passes < config.loop && !watch.stop.aborted)) {
    if (passes > 0) {
      backend.restart();
      schedule.nextPass({ seconds: 0, nanoseconds: 0 });
    }
    backend.begin();
    watch.intervals?.begin(backend);
    facts = await walk(task, backend, watch, async (batch) => {
      progress.packets += batch.count;
      for (let i = 0; i < batch.count; i++) progress.bytes += batch.capturedBytes[i]!;
      schedule.apply(batch);
      const take = (piece: PacketBatch) => {
        watch.intervals?.look();
        machine.ingest(piece);
      };
      if (pace === null) take(batch);
      else await pace.deliver(batch, watch.stop, take);
      return progress;
    });
    backend.endPass();
    passes++;
    const read = backend.streams();
    const sums = digests?.take(read.length) ?? [];
    if (passes === 1) [rows, shas] = [read, sums];
    // A pass that was broken off says nothing about the others.
    else if (!watch.stop.aborted) mismatched ||= sums.join() !== shas.join();
  }
  watch.intervals?.end();
  backend.teardown();
  const report = backend.report();
  const made = { config, report, rows, shas, passes, lag: pace?.lag ?? null, director };
  const { intervals } = watch;
  return {
    run: nativeRun({ ...made, intervals: intervals?.rows ?? null }),
    intervals: intervals?.count ?? 0,
    facts: facts!,
    found: { badChecksums: report.badChecksums, cutFrames: report.cutFrames, clampedTimestamps: 0 },
    rcvbufBytes: report.rcvbuf,
    trace: report.trace,
    // What is dropped for want of memory differs from pass to pass.
    mismatched: mismatched && !Object.keys(report.drops).some(isForMemory),
  };
}

/** Reads the capture once, until its end or a stop. */
async function walk(
  { path, config }: { path: string; config: ReplayConfig },
  backend: NativeBackend,
  watch: Watch,
  take: (batch: PacketBatch) => Promise<Progress | null>,
): Promise<CaptureFacts> {
  const batch = new PacketBatch();
  const reader = await openCapture(path, backend.window, {
    reader: config.reader,
    ...(config.limit === null ? {} : { limit: config.limit }),
    signal: watch.stop,
  });
  let turnedNs = hostNowNs();
  try {
    while (await reader.next(batch)) {
      const progress = await take(batch);
      if (hostNowNs() - turnedNs > TURN_NS) {
        if (progress !== null) watch.onProgress(progress);
        await new Promise((resolve) => setImmediate(resolve));
        turnedNs = hostNowNs();
      }
      if (watch.stop.aborted) break;
    }
    return await reader.finish();
  } finally {
    reader.close();
  }
}
