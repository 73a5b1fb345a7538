import type { Backend } from "../../engine/backend/backend.js";
import { KERNEL_PROFILES } from "../../engine/kernel/profile.js";
import { layOut, type PathLayout } from "../../engine/layout.js";
import { Arena } from "../../engine/memory/arena.js";
import { NetdevRefused } from "../../engine/queue-set.js";
import type { ProviderKind, ReceiveOptions } from "../../engine/receive-options.js";
import { ReceivePath } from "../../engine/receive-path.js";
import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import { MIN_WINDOW_BYTES, type ReadWindow } from "../capture/reader.js";
import { NetmemError } from "../error.js";
import { Digests } from "../measure/digests.js";
import { Floor } from "../measure/floor.js";
import { hostNowNs } from "../measure/timer.js";
import { raiseInliningBudget } from "../measure/v8-flags.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { parseSteer } from "../plan/steer.js";
import type { IntervalRecord } from "../record/series-schema.js";

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
  readonly provider: ProviderKind;
  readonly path: ReceivePath;
  readonly digests: Digests | null;
  /** With `--interval`: the intervals that a record holds, and how many there were. */
  readonly intervals: IntervalRecord[] = [];
  intervalCount = 0;
  /** Host time spent inside the receive path. */
  elapsedNs = 0;

  constructor(provider: ProviderKind, path: ReceivePath, digests: Digests | null) {
    this.provider = provider;
    this.path = path;
    this.digests = digests;
  }

  /** Replays a batch and counts its host time. */
  ingest(batch: PacketBatch): void {
    const before = hostNowNs();
    this.path.ingest(batch);
    this.elapsedNs += hostNowNs() - before;
  }

  /** Lets everything be read and given back; counts the host time. */
  endPass(): void {
    const before = hostNowNs();
    this.path.endPass();
    this.elapsedNs += hostNowNs() - before;
  }

  restart(): void {
    this.path.restart();
    this.digests?.reset();
  }

  teardown(): void {
    this.path.teardown();
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
  /** With `--floor`: what measures the floor beside the engine. */
  readonly floor: Floor | null;
}

/**
 * Lays out one arena and builds a receive path for each provider in it, so that one pass over the
 * capture serves all providers.
 *
 * @throws NetmemError NETMEM_USAGE when the memory asked for exceeds one arena, or when the kernel
 *   would refuse the provider on the queue.
 */
export function buildLanes(config: ReplayConfig): Lanes {
  raiseInliningBudget();
  const windowBytes = MIN_WINDOW_BYTES + WINDOW_SLACK_BYTES;
  let end = Math.ceil(windowBytes / 65536) * 65536;
  const layouts: PathLayout[] = [];
  for (const provider of config.provider) {
    const layout = layOut(end, { ...config, pages: provider === "page" });
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
  const arena = new Arena(end);
  const steer = parseSteer(config.steer);
  const lanes = config.provider.map((provider, i) => {
    const digests = config.streams || config.loop > 1 ? new Digests(arena) : null;
    const options = receiveOptions(config, provider, steer);
    const place = { arena, layout: layouts[i]!, sink: digests };
    try {
      const path = new ReceivePath(options, place, hostNowNs);
      return new Lane(provider, path, digests);
    } catch (error) {
      if (error instanceof NetdevRefused) throw refusal(provider, error, config);
      throw error;
    }
  });
  const window = { bytes: arena.bytes, start: 0, size: MIN_WINDOW_BYTES };
  const floor = config.floor ? new Floor(arena, floorStart, config.areaBytes) : null;
  return { arena, window, lanes, floor };
}

/** What of the settings decides what a receive path does. */
export function receiveOptions(
  config: ReplayConfig,
  provider: ProviderKind,
  steer: ReceiveOptions["steer"],
): ReceiveOptions {
  return {
    provider,
    kernel: KERNEL_PROFILES[config.kernel]!,
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
      : `${provider} cannot be opened on a queue: the kernel would answer errno ${-error.errno}`,
    split ? "Use --hds on, or --provider page." : "Use a larger --area or a smaller --ring.",
  );
}
