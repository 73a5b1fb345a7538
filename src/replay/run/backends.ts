import type { ReplayConfig } from "../plan/replay-config.js";
import { recordConfig, reproduceLine } from "../plan/reproduce.js";
import { RECORD_SCHEMA } from "../record/names.js";
import type { NetmemRecord, RunRecord } from "../record/schema.js";
import { build } from "./build-info.js";
import { captureRecord } from "./capture-record.js";
import type { ReplayHooks } from "./contract.js";
import { guestFacts } from "./guest-facts.js";
import { heldCapture, renamed } from "./held-capture.js";
import { runNative } from "./native.js";
import type { NativeOutcome } from "./native-messages.js";
import { foundInCapture, nativeWarnings } from "./native-warnings.js";
import { uselessFlags } from "./useless-flags.js";

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
  const held = await heldCapture(path, hooks.signal);
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
      natives.push([backend, await runNative(config, backend, held.capture, named)]);
    }
    return merged(config, path, model, natives, hooks.signal.aborted);
  } catch (error) {
    throw renamed(error, held, path);
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
  const warnings = natives.flatMap(([name, outcome]) => nativeWarnings(name, outcome, config));
  warnings.unshift(...uselessFlags(config.natives, config));
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
    warnings: foundInCapture(outcome, config),
    capture: captureRecord(facts, path, found),
    runs: [],
  };
}

/** Runs in the order in which their backends were named. */
function orderedBy(names: readonly string[], runs: readonly RunRecord[]): RunRecord[] {
  return names.flatMap((name) => runs.filter((run) => run.backend === name));
}
