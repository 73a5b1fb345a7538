import { resolve } from "node:path";
import { countPackets } from "../capture/count-packets.js";
import { EXIT } from "../error.js";
import { resolveConfig } from "../plan/resolve.js";
import type { NetmemRecord } from "../record/schema.js";
import type { VmCheck, VmParityDocument } from "../record/vm-parity.js";
import { runReplay } from "../run/run-replay.js";
import { checksOf, runOf } from "./checks.js";
import { explanationOf } from "./explained.js";
import { guestArguments, nmsimParameters } from "./guest-flags.js";
import { factsOf, guestOf } from "./replay-in-guest.js";
import { runGuest } from "./run-guest.js";
import { faultsOf, type Scenario, scenariosOf, type VmProvider } from "./scenarios.js";

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
/**
 * The model's device: one queue of the provider, a netmem for each piece, new rings filled before
 * the old ones stop, and every frame polled before the next one comes, as nmsim does it.
 */
const MODEL = {
  driver: "bnxt",
  queues: "1",
  pps: "1000",
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
  onStep(`guest: ${scenarios.length} scenarios on ${guest.release}`);
  const { results, complaints } = await runGuest({
    guest,
    job: {
      facts: factsOf(guest),
      nmsim: null,
      commands: scenarios.map((scenario) => ({
        argv: guestArguments(guestFlags(request, scenario, packets), [`/${IN_GUEST}`]),
        timeoutMs: request.timeoutMs,
        nmsim: nmsimParameters({ ...BOTH, ...scenario.flags }),
      })),
    },
    files: new Map([[IN_GUEST, resolve(request.capture)]]),
    signal: request.signal,
  });
  const checks = scenarios.flatMap((scenario, i) => {
    const result = results[i]!;
    const sides = { scenario, model: models[i]!.runs[0]!, guest: runOf(result), result };
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
    flags: { ...MODEL, ...flagsOf(request, scenario, packets), provider, kernel },
    environment: {},
    cwd: "/",
  });
  const hooks = { signal: request.signal, warn: () => {} };
  const { document } = await runReplay(config, [request.capture], hooks);
  return document as NetmemRecord;
}

function guestFlags(request: VmParityRequest, scenario: Scenario, packets: number) {
  return { ...flagsOf(request, scenario, packets), backend: `kernel-${request.provider}` };
}

/** What both sides are given. */
function flagsOf({ limit }: VmParityRequest, scenario: Scenario, packets: number) {
  const fault = faultsOf(scenario, packets);
  return {
    ...BOTH,
    ...scenario.flags,
    streams: true,
    ...(fault.length === 0 ? {} : { fault: fault.join(",") }),
    ...(limit === null ? {} : { limit: String(limit) }),
  };
}
