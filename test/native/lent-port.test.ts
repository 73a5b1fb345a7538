import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { RUN_JS } from "../golden/run-cli.js";
import { offers } from "./machine.js";
import { madeCapture } from "./made.js";

const SCRIPT = `
  ip link add rx0 type veth peer name tx0
  ip link set rx0 mtu 1400
  "$0" "$@"
  code=$?
  for port in rx0 tx0; do ip -o link show $port | sed 's/.*mtu \\([0-9]*\\).*/\\1/' >&2; done
  exit $code`;

/** A replay through a real provider on ports that have none, in a namespace of their own. */
function refused(backend: string, ...args: string[]) {
  const path = madeCapture({ frames: 5, segmentBytes: 100, flows: 1, seed: 7 });
  const ports = ["--interface", "rx0", "--peer", "tx0"];
  const words = [process.execPath, RUN_JS, "replay", "--json", "--backend", backend, ...ports];
  const command = ["-n", "sh", "-c", SCRIPT, ...words, ...args, path];
  const { stdout, stderr, status } = spawnSync("unshare", command, { encoding: "utf8" });
  const { message } = (JSON.parse(stdout) as { error: { message: string } }).error;
  return { message, mtus: stderr.trim().split("\n"), status };
}

/** `unshare -n` without a user namespace is root's. */
const here = process.getuid!() === 0 && offers("veth");
describe.runIf(here)("ports that a run is lent", () => {
  it.each(["kernel-zcrx", "kernel-devmem"])("%s: come back with the MTU that they had", (name) => {
    const { message, mtus, status } = refused(name, "--queue", "0");
    expect(status).toBe(4);
    expect(message).toMatch(/answered E[A-Z]+|cannot be opened/);
    expect(mtus).toEqual(["1400", "1500"]);
  });

  it("are named where they cannot be steered to a queue", () => {
    const { message, mtus, status } = refused("kernel-zcrx", "--queue", "1");
    expect([status, mtus]).toEqual([4, ["1400", "1500"]]);
    expect(message).toMatch(/flows cannot be steered to queue 1 of rx0/);
  });
});
