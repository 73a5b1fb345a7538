import { type LoadedBaseline, loadBaseline } from "../../replay/compare/baseline-store.js";
import { NetmemError } from "../../replay/error.js";
import {
  findGateFile,
  type GateFile,
  type GivenThreshold,
  readGateFile,
} from "../../replay/plan/gate-file.js";
import type { TrialSettings } from "../../replay/plan/trial-plan.js";

/** The gate file: the one that is named, else the nearest where no threshold is given. */
export async function gateFile(settings: TrialSettings, cwd: string): Promise<GateFile | null> {
  if (settings.file !== null) return await readGateFile(settings.file);
  if (settings.threshold !== null) return null;
  const found = await findGateFile(cwd);
  return found === undefined ? null : await readGateFile(found);
}

/** All thresholds, those of the file first. */
export function givenThresholds(settings: TrialSettings, file: GateFile | null): GivenThreshold[] {
  const abort = settings.abort ?? false;
  const graceMs = settings.grace ?? 0;
  const flags = (settings.threshold ?? []).map((expression) => ({
    expression,
    origin: "--threshold",
    abort,
    graceMs,
  }));
  const all = [...(file?.thresholds ?? []), ...flags];
  if (all.length > 0) return all;
  throw usage("no threshold", "--threshold 'leak.netmems == 0', or a netmem.gate.yaml");
}

/** The baseline that a flag or the file names; null for none. */
export async function savedBaseline(
  settings: TrialSettings,
  file: GateFile | null,
): Promise<LoadedBaseline | null> {
  const name = settings.baseline ?? file?.baseline ?? null;
  return name === null ? null : await loadBaseline(settings.baselines!, name);
}

/** A usage error. */
export function usage(message: string, give: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", message, `Give ${give}.`);
}
