import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { finish, ROOT, RUN_JS } from "../golden/run-cli.js";
import { offers, runsHere } from "./machine.js";

const CAPTURE = fileURLToPath(new URL("../../fixtures/kernel/http4.pcap", import.meta.url));
const PLENTY_BYTES = 64 * 1024 * 1024;

/** A replay by somebody who is root in a user namespace, and nobody on the machine. */
function replayed(backend: string): NetmemRecord {
  const command = [process.execPath, RUN_JS, "replay", "--backend", backend, "--json", CAPTURE];
  const { stdout, stderr, code } = finish("unshare", ["-Urn", ...command], { cwd: ROOT });
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as NetmemRecord;
}

describe.runIf(runsHere("kernel-tcp") && offers("userns"))("kernel-tcp without root", () => {
  it("sets its interface up with the rights of its own namespace", () => {
    expect(replayed("kernel-tcp").runs[0]!.deliveredBytes).toBe(8180);
  });
});

describe.runIf(runsHere("kernel-tcp-mmap") && offers("userns"))("sockets without root", () => {
  it("have the receive buffer that root's have, whatever net.core.rmem_max is", () => {
    const { rcvbufBytes } = replayed("kernel-tcp-mmap").config;
    expect(rcvbufBytes).toEqual({ min: PLENTY_BYTES, max: PLENTY_BYTES });
  });
});
