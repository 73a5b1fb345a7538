import type { Backend } from "../../engine/backend/backend.js";
import type { FaultDirector } from "../../engine/fault/director.js";
import type { FaultyWire } from "../../engine/fault/faulty-wire.js";
import { KERNEL_PROFILES, withRegression } from "../../engine/kernel/profile.js";
import { layOut, type PathLayout, type PathSize } from "../../engine/layout.js";
import { InvariantViolation } from "../../engine/ledger/invariant.js";
import { Arena } from "../../engine/memory/arena.js";
import { errnoName } from "../../engine/provider/provider.js";
import { NetdevRefused } from "../../engine/queue-set.js";
import type { ProviderKind, ReceiveOptions } from "../../engine/receive-options.js";
import type { ReceivePath } from "../../engine/receive-path.js";
import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import { MIN_WINDOW_BYTES, type ReadWindow } from "../capture/reader.js";
import { NetmemError } from "../error.js";
import { Digests } from "../measure/digests.js";
import { Floor } from "../measure/floor.js";
import { hostNowNs } from "../measure/timer.js";
import { isModulePath } from "../plan/provider-list.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { parseSteer } from "../plan/steer.js";
import { formatSize } from "../plan/units.js";
import { isForMemory } from "../record/names.js";
import type { IntervalRecord } from "../record/series-schema.js";
import { breakOff, pathOf, wireOf } from "./faulty-path.js";

/** Bytes behind the read window that frame copies may read beyond a frame's end. */
const WINDOW_SLACK_BYTES = 4096;
/** What one WebAssembly memory can have. */
const MAX_ARENA_BYTES = 4 * 1024 ** 3 - 65536;

/**
 * One provider's run through the model: its receive path, its digests, and the host time that it
 * took. This is the backend `memory`.
 */
export class Lane implements Backend {
  readonly backend = "memory";
  readonly clock = "model";
  readonly surveys = false;
  /** Name of the provider, or of the module. */
  readonly provider: string;
  readonly path: ReceivePath;
  readonly digests: Digests | null;
  /** Makes the faults of a plan happen; null without one. */
  readonly director: FaultDirector | null;
  /** Number of the first pool that packets met; earlier ones came and went with the set-up. */
  readonly firstPool: number;
  /** With `--interval`: the intervals that a record holds, and how many there were. */
  readonly intervals: IntervalRecord[] = [];
  intervalCount = 0;
  /** Host time spent inside the receive path. */
  elapsedNs = 0;
  /** The broken invariant at which the lane stopped; the others go on. */
  violation: InvariantViolation | null = null;

  constructor(
    provider: string,
    path: ReceivePath,
    digests: Digests | null,
    director: FaultDirector | null = null,
  ) {
    this.provider = provider;
    this.path = path;
    this.digests = digests;
    this.director = director;
    this.firstPool = path.pools.pools.findIndex((pool) => pool !== null && !pool.freed);
  }

  /** Whether memory was short so far: what is dropped then differs from pass to pass. */
  get starved(): boolean {
    return Object.keys(this.path.drops.nonZero()).some(isForMemory);
  }

  /** Replays a batch and counts its host time. */
  ingest(batch: PacketBatch): void {
    const before = hostNowNs();
    this.#guarded(() => {
      if (this.director === null) this.path.ingest(batch);
      else this.director.ingest(batch);
    });
    this.elapsedNs += hostNowNs() - before;
  }

  /** Ends a pass; before the last one ends, faults that are still to come happen. */
  endPass(last = true): void {
    const before = hostNowNs();
    this.#guarded(() => {
      if (last) this.director?.finish();
      this.path.endPass();
    });
    this.elapsedNs += hostNowNs() - before;
  }

  /** Orderly teardown; a lane that broke off stands as it is. */
  teardown(): void {
    this.#guarded(() => this.path.teardown());
    if (this.violation !== null) breakOff(this.path);
  }

  #guarded(work: () => void): void {
    if (this.violation !== null) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      this.violation = error;
    }
  }

  restart(): void {
    this.path.restart();
    this.digests?.reset();
  }

  /** Sockets of the model open themselves: nothing has to be known beforehand. */
  survey(): void {}

  begin(): void {}
}

/** The memory of a replay: one arena with a read window and a receive path for each provider. */
export interface Lanes {
  readonly arena: Arena;
  readonly window: ReadWindow;
  readonly lanes: readonly Lane[];
  /** The wire of a plan with wire faults, null without. */
  readonly wire: FaultyWire | null;
  /** With `--floor`: what measures the floor beside the engine. */
  readonly floor: Floor | null;
}

/**
 * Lays out one arena and builds a receive path for each provider in it, so that one pass over the
 * capture serves all providers.
 *
 * @throws NetmemError NETMEM_USAGE when the memory asked for exceeds one arena, or when the kernel
 *   would refuse the provider on the queue; NETMEM_BACKEND_UNAVAILABLE where the process may not
 *   have as much.
 */
export function buildLanes(config: ReplayConfig): Lanes {
  const windowBytes = MIN_WINDOW_BYTES + WINDOW_SLACK_BYTES;
  let end = Math.ceil(windowBytes / 65536) * 65536;
  const layouts: PathLayout[] = [];
  for (const provider of config.provider) {
    const layout = layOut(end, sizeOf(config, provider === "page"));
    layouts.push(layout);
    end = layout.end;
  }
  // The floor copies into memory of its own, as large as a provider's area.
  const floorStart = end;
  if (config.floor) end += config.areaBytes;
  if (end > MAX_ARENA_BYTES) {
    const gib = (end / 1024 ** 3).toFixed(1);
    throw new NetmemError(
      "NETMEM_USAGE",
      `${config.provider.length} providers of this size need ${gib} GiB of model memory, ` +
        "and 4 GiB is the most",
      "Use fewer providers at a time, a smaller --area, fewer --queues or a smaller --ring.",
    );
  }
  try {
    return lanesIn(config, new Arena(end), layouts, floorStart);
  } catch (error) {
    // V8 says so where it cannot have the memory; the engine throws none of these.
    if (!(error instanceof RangeError) || !/allocat/i.test(error.message)) throw error;
    throw new NetmemError(
      "NETMEM_BACKEND_UNAVAILABLE",
      `${formatSize(end)} of model memory cannot be had here: ${error.message}`,
      "Raise the limit on address space (ulimit -v), or use a smaller --area.",
    );
  }
}

/** Builds a receive path for each provider where its layout says. */
function lanesIn(
  config: ReplayConfig,
  arena: Arena,
  layouts: readonly PathLayout[],
  floorStart: number,
): Lanes {
  const steer = parseSteer(config.steer);
  const lanes = config.provider.map((name, i) => {
    const plugin = config.plugins?.get(name);
    if (plugin === undefined && isModulePath(name)) throw new Error(`${name} runs in a thread`);
    const provider = plugin === undefined ? (name as ProviderKind) : "plugin";
    const digests = config.streams || config.loop > 1 ? new Digests(arena) : null;
    const options = { ...receiveOptions(config, provider, steer), plugin };
    const place = { arena, layout: layouts[i]!, sink: digests };
    try {
      const { path, director } = pathOf(config, options, place);
      return new Lane(plugin?.name ?? name, path, digests, director);
    } catch (error) {
      if (error instanceof NetdevRefused) throw refusal(name, error, config);
      throw error;
    }
  });
  const window = { bytes: arena.bytes, start: 0, size: MIN_WINDOW_BYTES };
  const floor = config.floor ? new Floor(arena, floorStart, config.areaBytes) : null;
  return { arena, window, lanes, wire: wireOf(config, arena), floor };
}

/** A process that opens a provider again (fault rebind) brings memory of its own. */
function sizeOf(config: ReplayConfig, pages: boolean): PathSize {
  const again = pages ? 0 : config.faults.filter(({ kind }) => kind === "rebind").length;
  return { ...config, pages, areaBytes: config.areaBytes * (1 + again) };
}

/** What of the settings decides what a receive path does. */
export function receiveOptions(
  config: ReplayConfig,
  provider: ProviderKind,
  steer: ReceiveOptions["steer"],
): ReceiveOptions {
  return {
    provider,
    kernel: withRegression(KERNEL_PROFILES[config.kernel]!, config.regress),
    driver: config.driver,
    queues: config.queues,
    ring: config.ring,
    budget: config.budget,
    areaBytes: config.areaBytes,
    netmemBytes: config.bufferSizeBytes,
    split: config.hds,
    steer,
    rxUsecs: config.rxUsecs,
    rxFrames: config.rxFrames,
    readDelayNs: config.readDelayNs,
    readSizeBytes: config.readSizeBytes,
    holdNs: config.holdNs,
    batch: config.batch,
    rcvbuf: config.rcvbuf,
    verifyChecksums: config.checksum === "verify",
    topspeed: config.pacing.mode === "topspeed",
    costs: config.cost.table,
    seed: config.seed,
    leaks: config.leaks,
    intervalNs: config.intervalNs,
  };
}

function refusal(provider: string, error: NetdevRefused, config: ReplayConfig): NetmemError {
  const split = config.hds.mode === "off";
  return new NetmemError(
    "NETMEM_USAGE",
    split
      ? `${provider} cannot be opened on a queue with --hds off: the kernel answers -EINVAL ` +
          "(tcp-data-split not enabled)"
      : `${provider} is refused on ${config.queues} queues of ${config.ring} with ` +
          `--area ${formatSize(config.areaBytes)}: the kernel answers ${errnoName(error.errno)}`,
    split
      ? "Use --hds on, or --provider page."
      : "Use a larger --area, a smaller --ring or fewer --queues.",
  );
}
