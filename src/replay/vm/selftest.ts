import { resolve } from "node:path";
import { countPackets } from "../capture/count-packets.js";
import { EXIT } from "../error.js";
import type { VmSelftestDocument, VmSelftestStep } from "../record/vm-selftest.js";
import { failureOf } from "./checks.js";
import type { GuestCommand, GuestHealth, GuestResult } from "./guest/job.js";
import { guestConfig } from "./guest-config.js";
import { factsOf, guestOf } from "./replay-in-guest.js";
import { runGuest } from "./run-guest.js";
import { type SelftestStep, selftestSteps } from "./selftest-steps.js";

/** What the user asks for. */
export interface SelftestRequest {
  readonly capture: string;
  readonly kernel: string;
  /** Packets replayed of the capture in each step, at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

const IN_GUEST = "captures/0/capture";
/** What one step may take. */
const STEP_MS = 60_000;
/** Taint bits: a module out of tree, unsigned. All others are trouble. */
const TAINT_OURS = (1 << 12) | (1 << 13);

/**
 * Puts the virtual NIC through what its users may do to it, with and without traffic, and reads
 * what the kernel has to say about it: its log, taint, KFENCE, kmemleak, pools that stay.
 */
export async function selftestGuest(
  request: SelftestRequest,
): Promise<{ document: VmSelftestDocument; exitCode: number }> {
  const { capture, limit, signal, onStep } = request;
  const guest = await guestOf(request.kernel, signal, onStep);
  const steps = selftestSteps(await countPackets(capture, limit));
  onStep(`guest: ${steps.length} steps on ${guest.release}`);
  const { results, complaints, health } = await runGuest({
    guest,
    job: {
      facts: factsOf(guest),
      nmsim: null,
      commands: await Promise.all(steps.map(commandOf)),
    },
    files: new Map([[IN_GUEST, resolve(capture)]]),
    signal,
  });
  const document: VmSelftestDocument = {
    schema: "netmem.vm-selftest/1",
    capture,
    guest: factsOf(guest),
    steps: steps.map((step, i) => outcomeOf(step, results[i])),
    reports: reportsOf(health),
    complaints,
  };
  const sound = [...document.steps, ...document.reports].every(({ ok }) => ok);
  return { document, exitCode: sound && complaints.length === 0 ? EXIT.done : EXIT.violated };
}

async function commandOf({ work, nmsim }: SelftestStep): Promise<GuestCommand> {
  const common = { timeoutMs: STEP_MS, ...(nmsim === undefined ? {} : { nmsim }) };
  if ("script" in work) return { ...common, script: work.script };
  const config = await guestConfig({ flags: work.flags });
  return { ...common, replay: { config, capture: `/${IN_GUEST}` } };
}

/** What a step came to: it went as it should, and no pool has a provider any more. */
export function outcomeOf(step: SelftestStep, result: GuestResult | undefined): VmSelftestStep {
  const { name } = step;
  if (result === undefined) return { name, ok: false, detail: "not reached" };
  const said = failureOf(result);
  const asWanted = step.killed ? said.includes("SIGKILL") : result.status === 0;
  if (!asWanted) return { name, ok: false, detail: said };
  const { poolsLeft, inflightLeft } = result;
  const detail = poolsLeft === 0 ? "" : `${poolsLeft} pools left, ${inflightLeft} netmems in them`;
  return { name, ok: detail === "", detail };
}

/** The kernel's own reports, in words. */
export function reportsOf(health: GuestHealth): VmSelftestDocument["reports"] {
  const { tainted, kfence, leaks } = health;
  const strange = tainted & ~TAINT_OURS;
  return [
    {
      name: "taint",
      ok: strange === 0,
      text: strange === 0 ? `${tainted}: a module out of tree` : `${tainted}`,
    },
    {
      name: "KFENCE",
      ok: kfence === null || kfence.bugs === 0,
      text:
        kfence === null
          ? "not in this kernel"
          : `${kfence.bugs} errors in ${kfence.allocations} guarded allocations`,
    },
    {
      name: "kmemleak",
      ok: leaks === null || leaks === 0,
      text: leaks === null ? "not in this kernel" : `${leaks} unreferenced objects`,
    },
  ];
}
