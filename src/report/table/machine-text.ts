import type { NetmemRecord } from "../../replay/record/schema.js";
import { counted, grouped, humanBytes } from "./numbers.js";

/** Whether a model is among a record's machines: without one its settings shaped nothing. */
export function isModelled({ runs }: NetmemRecord): boolean {
  return runs.length === 0 || runs.some(({ native }) => native === undefined);
}

/** Whose kernel played the machine: the model's version, a guest's, or that of this machine. */
export function kernelText(record: NetmemRecord): string {
  const { config, guest } = record;
  if (isModelled(record)) return `kernel ${config.kernel}`;
  return guest === undefined ? "this machine's kernel" : guestText(guest);
}

/** The machine in one line: its kernel, and what the model of it was given. */
export function machineText(record: NetmemRecord): string {
  if (!isModelled(record)) return kernelText(record);
  const { config } = record;
  const area = `${humanBytes(config.areaBytes)} of ${humanBytes(config.bufferSizeBytes)}`;
  const queues = `${counted(config.queues, "queue")} of ${grouped(config.ring)}`;
  return `${kernelText(record)}, ${config.driver}, ${queues}, area ${area}`;
}

function guestText({ release, pinned, accelerator }: NonNullable<NetmemRecord["guest"]>): string {
  const source = pinned ? "" : " (unpinned)";
  return `guest ${release}${source}, CPU ${accelerator === "kvm" ? "by KVM" : "emulated"}`;
}
