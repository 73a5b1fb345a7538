import { harmless } from "./harmless.js";
import type { Style } from "./table/style.js";

/** Why a command ended without a document. */
export interface Failure {
  /** A stable NETMEM_ code. */
  readonly code: string;
  readonly message: string;
  /** What to do about it; empty where nothing helps. */
  readonly suggestion: string;
  readonly exitCode: number;
}

/** The failure as standard output has it under --json. */
export function failureDocument(failure: Failure): { error: Failure } {
  return { error: failure };
}

/** The failure as a person reads it, with a newline at the end. */
export function failureText({ code, message, suggestion }: Failure, style: Style): string {
  const advice = suggestion === "" ? "" : `Try: ${suggestion}\n`;
  return harmless(`${style.red("netmem:")} ${message} (${code})\n${advice}`);
}
