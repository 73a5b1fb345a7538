import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { synthesize } from "../../bench/synthesize.js";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { RUN_JS } from "../golden/run-cli.js";
import { NATIVE, runsHere } from "./machine.js";
import { madeCapture, recordsOf } from "./made.js";

const CONNECTIONS = 60;
const SEGMENTS = 180;
const BYTES = 3000;
/** Both ports, behind the headers of record, Ethernet and IPv4. */
const PORTS_AT = 16 + 14 + 20;

/** Connections one after the other, more of them than a process with 200 files has sockets for. */
function oneByOne(): string {
  const options = { frames: SEGMENTS, segmentBytes: BYTES, flows: CONNECTIONS, seed: 1 };
  const [header, ...packets] = recordsOf(synthesize(options));
  const path = madeCapture(options);
  const connection = (record: Uint8Array) => {
    const { buffer, byteOffset } = record;
    const ports = new DataView(buffer, byteOffset + PORTS_AT);
    return ports.getUint16(0) + ports.getUint16(2);
  };
  packets.sort((a, b) => connection(a) - connection(b));
  writeFileSync(path, Buffer.concat([header!, ...packets]));
  return path;
}

const WITH_SOCKETS = NATIVE.filter((name) => name !== "af-xdp");

describe.each(WITH_SOCKETS)("%s with few descriptors", (backend) => {
  const here = runsHere(backend);
  it.runIf(here).each(["none", "4096"])(
    "closes a socket for each that opens (--coalesce %s)",
    (coalesce) => {
      const args = ["replay", "--backend", backend, "--coalesce", coalesce, "--json", "--streams"];
      const command = 'ulimit -n 200; exec "$0" "$@"';
      const words = [process.execPath, RUN_JS, ...args, oneByOne()];
      const { stdout } = spawnSync("sh", ["-c", command, ...words], { encoding: "utf8" });
      const { runs } = JSON.parse(stdout) as NetmemRecord;
      expect(runs[0]!.streams!.length).toBeGreaterThan(100);
      expect(runs[0]!.deliveredBytes).toBe(SEGMENTS * BYTES);
      expect(runs[0]!.native!.holes).toEqual([]);
    },
  );
});
