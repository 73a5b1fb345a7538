import { resolve } from "node:path";
import { countPackets } from "../capture/count-packets.js";
import { EXIT } from "../error.js";
import { resolveConfig } from "../plan/resolve.js";
import type { NetmemRecord } from "../record/schema.js";
import type { VmCheck, VmParityDocument } from "../record/vm-parity.js";
import { runReplay } from "../run/run-replay.js";
import { checksOf, runOf } from "./checks.js";
import { explanationOf } from "./explained.js";
import { guestConfig, nmsimParameters } from "./guest-config.js";
import { factsOf, guestOf } from "./replay-in-guest.js";
import { runGuest } from "./run-guest.js";
import {
  type DuePacket,
  faultsOf,
  type Scenario,
  scenariosOf,
  type VmProvider,
} from "./scenarios.js";

/** What the user asks for. */
export interface VmParityRequest {
  readonly capture: string;
  readonly provider: VmProvider;
  /** Pinned kernel of the guest, and rule profile of the model. */
  readonly kernel: string;
  /** Packets compared at most; null for all. */
  readonly limit: number | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** Both sides; the kernel cannot have the receive window that the capture shows. */
const BOTH = { rcvbuf: "32MiB", ring: "256" } as const;
/** Model time from frame to frame. */
const FRAME_US = 1000;
/**
 * The model's device: one queue of the provider, a netmem for each piece, new rings filled before
 * the old ones stop, and every frame polled before the next one comes, as nmsim does it.
 */
const MODEL = {
  driver: "bnxt",
  queues: "1",
  pps: String(1e6 / FRAME_US),
  "rx-usecs": "0",
  "rx-frames": "1",
} as const;
const IN_GUEST = "captures/0/capture";

/**
 * Replays one capture through the model and through the kernel's own provider in a guest, scenario
 * by scenario, and compares. All scenarios share a boot.
 */
export async function compareWithGuest(
  request: VmParityRequest,
): Promise<{ document: VmParityDocument; exitCode: number }> {
  const { provider, onStep } = request;
  const scenarios = scenariosOf(provider);
  const guest = await guestOf(request.kernel, request.signal, onStep);
  const packets = await countPackets(request.capture, request.limit);
  const models: NetmemRecord[] = [];
  for (const scenario of scenarios) {
    onStep(`model: ${scenario.what}`);
    models.push(await modelRecord(request, scenario, packets));
  }
  const configs = await Promise.all(
    scenarios.map((scenario) => guestConfig({ flags: forGuest(request, scenario, packets) })),
  );
  onStep(`guest: ${scenarios.length} scenarios on ${guest.release}`);
  const { results, complaints } = await runGuest({
    guest,
    job: {
      facts: factsOf(guest),
      nmsim: null,
      commands: configs.map((config) => ({
        replay: { config, capture: `/${IN_GUEST}` },
        timeoutMs: request.timeoutMs,
        nmsim: nmsimParameters(config),
      })),
    },
    files: new Map([[IN_GUEST, resolve(request.capture)]]),
    signal: request.signal,
  });
  const checks = scenarios.flatMap((scenario, i) => {
    const result = results[i]!;
    const faults = faultsOf(scenario, packets);
    const sides = { scenario, faults, model: models[i]!.runs[0]!, guest: runOf(result), result };
    return checksOf(sides).map((check) => withExplanation(check, provider));
  });
  const unexplained = checks.filter(({ same, explained }) => !same && explained === null).length;
  const document: VmParityDocument = {
    schema: "netmem.vm-parity/1",
    capture: request.capture,
    provider,
    guest: factsOf(guest),
    scenarios: scenarios.length,
    checks,
    unexplained,
    complaints,
  };
  return { document, exitCode: unexplained + complaints.length > 0 ? EXIT.violated : EXIT.done };
}

function withExplanation(check: VmCheck, provider: VmProvider): VmCheck {
  return check.same ? check : { ...check, explained: explanationOf(check, provider) };
}

async function modelRecord(
  request: VmParityRequest,
  scenario: Scenario,
  packets: number,
): Promise<NetmemRecord> {
  const { kernel, provider } = request;
  const config = await resolveConfig({
    flags: {
      ...MODEL,
      ...flagsOf(request, scenario, faultsOf(scenario, packets).map(betweenFrames)),
      provider,
      kernel,
    },
    environment: {},
    cwd: "/",
  });
  const hooks = { signal: request.signal, warn: () => {} };
  const { document } = await runReplay(config, [request.capture], hooks);
  return document as NetmemRecord;
}

/** Midway between two frames: a ring that was just filled takes a frame of the same moment not. */
function betweenFrames({ kind, packet, args }: DuePacket): string {
  return `${kind}@${(packet - 1) * FRAME_US - FRAME_US / 2}us${args}`;
}

function forGuest(request: VmParityRequest, scenario: Scenario, packets: number) {
  const faults = faultsOf(scenario, packets).map(
    ({ kind, packet, args }) => `${kind}@${packet}${args}`,
  );
  const backend = `kernel-${request.provider}`;
  return { ...flagsOf(request, scenario, faults), backend };
}

/** What both sides are given. */
function flagsOf({ limit }: VmParityRequest, scenario: Scenario, faults: readonly string[]) {
  return {
    ...BOTH,
    ...scenario.flags,
    streams: true,
    ...(faults.length === 0 ? {} : { fault: faults.join(",") }),
    ...(limit === null ? {} : { limit: String(limit) }),
  };
}
