import { existsSync, readFileSync } from "node:fs";
import { examineMachine } from "../../src/replay/run/native-doctor.js";

/** What this machine offers; examined once a test file. */
const machine = await examineMachine();

/** Whether a backend runs here; tests of one that does not are skipped, and say so by name. */
export function runsHere(backend: string): boolean {
  return machine.backends.some((row) => row.backend === backend && row.available);
}

/** Whether doctor calls a capability available. */
export function offers(capability: string): boolean {
  return machine.rows.some((row) => row.capability === capability && row.available);
}

/** Whether this kernel's TCP has a counter of that name. */
export function counts(name: string): boolean {
  const file = "/proc/net/netstat";
  return existsSync(file) && readFileSync(file, "utf8").includes(` ${name} `);
}

/** The native backends that need no NIC; each of their tests is run or skipped by its name. */
export const NATIVE = ["kernel-tcp", "kernel-tcp-mmap", "kernel-page-pool", "af-xdp"] as const;
