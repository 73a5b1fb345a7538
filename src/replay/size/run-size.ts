import { isStream, nameOf } from "../capture/stream.js";
import { NetmemError } from "../error.js";
import { PAGE_BYTES } from "../plan/flags.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { jsonNumber } from "../record/json-number.js";
import { MEMORY_DROPS } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import type { SizeDocument, SizePoint } from "../record/size.js";
import type { ReplayHooks, RunReplay } from "../run/contract.js";
import { worst } from "../run/replay-each.js";
import { runReplay } from "../run/run-replay.js";
import { listCaptures } from "../suite/list-captures.js";
import { type Size, type SizeLimits, searchSize } from "./search.js";

/** The largest area and ring that a replay takes. */
const MOST_AREA_BYTES = 1024 ** 3;
const MOST_RING = 32_768;
const LEAST_RING = 8;
/** Shares of the answer's area that are measured for the curve as well. */
const CURVE = [1 / 8, 1 / 4, 1 / 2, 3 / 4, 2];

/** Drops at the NIC for want of memory; the other RX_ reasons are no matter of size. */
const SIZE_DROPS = ["RX_HW_DROP_OVERRUNS", "RX_ALLOC_FAIL"];
/** Drops in TCP for want of memory, and of what lies beyond the window. */
const SOCKET_DROPS = [
  ...MEMORY_DROPS,
  "TCP_OVERWINDOW",
  "TCP_INVALID_SEQUENCE",
  "TCP_INVALID_END_SEQUENCE",
];

/** What a search came to; exit codes are those of the replays, the gravest. */
export interface SizeResult {
  readonly document: SizeDocument;
  readonly exitCode: number;
}

/** What is told while a search goes on, beside a replay's own hooks. */
export interface SizeHooks extends ReplayHooks {
  onSize?(size: Size, replays: number): void;
  /** What replays, where it is not the model itself: provider modules run in threads. */
  readonly replay?: RunReplay;
}

/**
 * Finds the smallest ring and area with which a capture is replayed without a drop: whole replays,
 * each under the same settings but for these two.
 *
 * @throws NetmemError NETMEM_USAGE for standard input or several captures.
 */
export async function runSize(
  config: ReplayConfig,
  capture: string,
  hooks: SizeHooks,
): Promise<SizeResult> {
  await rejectCapture(capture);
  const replays = new Replays(config, capture, hooks);
  const fits = async (size: Size) => {
    const point = await replays.at(size);
    return !point.refused && point.drops === 0;
  };
  const limits = limitsOf(config);
  let answer: Size | null = null;
  try {
    answer = await searchSize(limits, fits);
    if (answer !== null) {
      const { netmems, ring } = answer;
      for (const share of CURVE) {
        const asked = Math.round(netmems * share);
        const least = Math.max(asked, limits.leastNetmems);
        await replays.at({ netmems: Math.min(least, limits.mostNetmems), ring });
      }
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    answer = null;
  }
  return { document: documentOf(replays, answer), exitCode: worst(replays.exitCodes) };
}

/** The interrupt ends the search: what was replayed meanwhile says nothing. */
class Interrupted extends Error {}

/** The replays of a search, each size once. */
class Replays {
  readonly config: ReplayConfig;
  readonly points = new Map<string, SizePoint>();
  readonly exitCodes = new Set<number>();
  /** The last record, for what all have in common. */
  record: NetmemRecord | null = null;
  readonly capture: string;
  readonly hooks: SizeHooks;

  constructor(config: ReplayConfig, capture: string, hooks: SizeHooks) {
    this.config = config;
    this.capture = capture;
    this.hooks = hooks;
  }

  async at({ netmems, ring }: Size): Promise<SizePoint> {
    const key = `${ring} ${netmems}`;
    const known = this.points.get(key);
    if (known !== undefined) return known;
    this.hooks.onSize?.({ netmems, ring }, this.points.size + 1);
    const areaBytes = netmems * this.config.bufferSizeBytes;
    const point = await this.#replay({ areaBytes, netmems, ring });
    if (this.hooks.signal.aborted) throw new Interrupted();
    this.points.set(key, point);
    return point;
  }

  async #replay(size: Pick<SizePoint, "areaBytes" | "netmems" | "ring">): Promise<SizePoint> {
    const { areaBytes, ring } = size;
    try {
      const { replay = runReplay } = this.hooks;
      const sized = { ...this.config, areaBytes, ring };
      const { document, exitCode } = await replay(sized, [this.capture], this.hooks);
      this.record = document as NetmemRecord;
      this.exitCodes.add(exitCode);
      return { ...size, ...figuresOf(this.record), refused: false };
    } catch (error) {
      if (!(error instanceof NetmemError) || !/opened on a queue/.test(error.message)) throw error;
      return {
        ...size,
        drops: 0,
        socketDrops: 0,
        zeroWindows: 0,
        deliveredBytes: 0,
        refused: true,
      };
    }
  }
}

function figuresOf({ runs }: NetmemRecord) {
  const { drops, tcp, deliveredBytes } = runs[0]!;
  const sum = (reasons: readonly string[]) =>
    jsonNumber(reasons.reduce((total, reason) => total + Number(drops[reason] ?? 0), 0));
  return {
    drops: sum(SIZE_DROPS),
    socketDrops: sum(SOCKET_DROPS),
    zeroWindows: tcp.ToZeroWindowAdv ?? 0,
    deliveredBytes,
  };
}

function limitsOf({ areaBytes, bufferSizeBytes, queues, ring }: ReplayConfig): SizeLimits {
  // A ring holds two netmems at least (plan/resolve.ts), and each queue has one of its own.
  const leastRing = Math.max(LEAST_RING, (2 * bufferSizeBytes) / PAGE_BYTES);
  const leastNetmems = queues;
  const netmems = Math.max(Math.floor(areaBytes / bufferSizeBytes), leastNetmems);
  return {
    start: { netmems, ring: Math.max(ring, leastRing) },
    leastNetmems,
    mostNetmems: Math.max(Math.floor(MOST_AREA_BYTES / bufferSizeBytes), leastNetmems),
    leastRing,
    mostRing: MOST_RING,
  };
}

async function rejectCapture(capture: string): Promise<void> {
  const list = isStream(capture) ? null : await listCaptures([capture]);
  if (list !== null && !list.suite) return;
  throw new NetmemError(
    "NETMEM_USAGE",
    list === null
      ? `${nameOf(capture)} cannot be replayed as often as a search must`
      : `size takes one capture, and ${capture} is ${list.paths.length}`,
    list === null ? "Write the capture to a file first." : `Name one, such as ${list.paths[0]}.`,
  );
}

function documentOf(replays: Replays, answer: Size | null): SizeDocument {
  const { record, config, hooks } = replays;
  if (record === null) {
    throw new NetmemError(
      "NETMEM_USAGE",
      hooks.signal.aborted
        ? "interrupted before the first replay had ended"
        : "the kernel refuses the provider at every size",
      "Check --provider, --hds and --queues.",
    );
  }
  const { path, sha256, packets } = record.capture;
  const { bufferSizeBytes, driver, queues, holdNs } = config;
  const none = `drops remain with an area of ${MOST_AREA_BYTES} bytes and a ring of ${MOST_RING}`;
  const points = [...replays.points.values()];
  const start = record.reproduce.replace("netmem replay", "netmem size");
  return {
    schema: "netmem.size/1",
    capture: { path, sha256, packets },
    reproduce: start,
    provider: record.runs[0]!.provider,
    driver,
    queues,
    bufferSizeBytes,
    holdNs,
    answer:
      answer === null
        ? null
        : {
            areaBytes: answer.netmems * bufferSizeBytes,
            netmems: answer.netmems,
            ring: answer.ring,
          },
    reason: answer !== null ? null : hooks.signal.aborted ? "interrupted" : none,
    points: points.sort((a, b) => a.ring - b.ring || a.netmems - b.netmems),
  };
}
