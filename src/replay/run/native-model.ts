import type { CounterStep } from "../../engine/backend/backend.js";
import { TCP_MIB } from "../../engine/tcp/mib.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { openCapture } from "../capture/open.js";
import type { CaptureFacts } from "../capture/reader.js";
import { Schedule } from "../pacing/schedule.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { StreamRecord } from "../record/schema.js";
import { buildLanes } from "./lane.js";
import { readingOf } from "./native-places.js";
import { closePass } from "./streams.js";

/** What the model made of a capture, packet by packet. */
export interface ModelRun {
  readonly facts: CaptureFacts;
  readonly streams: readonly StreamRecord[];
  readonly deliveredBytes: number;
  readonly tcp: Readonly<Record<string, number>>;
  readonly steps: readonly CounterStep[];
}

/**
 * Replays a capture through the model one packet at a time: each one is delivered and read before
 * the next arrives.
 *
 * @param counters TCP counters whose changes are noted.
 */
export async function replayStepByStep(
  config: ReplayConfig,
  path: string,
  counters: readonly string[],
): Promise<ModelRun> {
  const lanes = buildLanes(config);
  const [lane] = lanes.lanes;
  const { tcp, app } = lane!.path;
  const values = tcp.mib.values;
  const columns = counters.map((name) => TCP_MIB.indexOf(name as (typeof TCP_MIB)[number]));
  const last = columns.map(() => 0);
  const steps: CounterStep[] = [];
  const schedule = new Schedule(config.pacing);
  const batch = new PacketBatch(1);
  const reader = await openCapture(path, lanes.window, readingOf(config));
  try {
    for (let packet = 0; await reader.next(batch); packet++) {
      schedule.apply(batch);
      lane!.ingest(batch);
      lane!.path.drain();
      columns.forEach((column, i) => {
        if (values[column] === last[i]) return;
        last[i] = values[column]!;
        steps.push({ name: counters[i]!, packet, value: last[i]! });
      });
    }
  } finally {
    reader.close();
  }
  lane!.endPass();
  const { streams } = closePass(lane!);
  const { deliveredBytes } = app.counts;
  lane!.teardown();
  return { facts: reader.facts(), streams, deliveredBytes, tcp: tcp.mib.nonZero(), steps };
}
