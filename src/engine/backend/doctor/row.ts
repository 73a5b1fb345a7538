import { errnoName, SystemError } from "../ffi/errno.js";
import { Unavailable } from "../unavailable.js";

/** One thing that this machine can or cannot do, as a probe found it. */
export interface DoctorRow {
  readonly capability: string;
  readonly available: boolean;
  /** What was tried and what came of it. */
  readonly detail: string;
  /** How to get it; null where it is there. */
  readonly remedy: string | null;
}

/** A probe: answers what it found, and throws where the thing is not there. */
export interface Probe {
  readonly capability: string;
  /** How to get it, unless the failure knows better. */
  readonly remedy: string;
  run(): string;
}

/** Runs a probe for real. */
export function probed({ capability, remedy, run }: Probe): DoctorRow {
  try {
    return { capability, available: true, detail: run(), remedy: null };
  } catch (error) {
    return { capability, available: false, detail: reasonOf(error), ...remedyOf(error, remedy) };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof SystemError) return `${error.call}: ${errnoName(error.errno)}`;
  return error instanceof Error ? error.message : String(error);
}

function remedyOf(error: unknown, otherwise: string): { remedy: string } {
  return { remedy: error instanceof Unavailable ? error.remedy : otherwise };
}
