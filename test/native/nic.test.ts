import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { NetmemRecord, RunRecord } from "../../src/replay/record/schema.js";
import { RUN_JS } from "../golden/run-cli.js";
import { offers, runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const SCRIPT = `
  ip link add rx0 type veth peer name tx0
  ip link set tx0 up
  "$0" "$@"
  code=$?
  ip -o link | sed 's/^[0-9]*: \\([a-z0-9]*\\).*/\\1/' | sort | tr '\\n' ' ' >&2
  ip -o link show up | grep -o '[rt]x0@' >&2
  ip -o link | grep -c PROMISC >&2
  exit $code`;

/** What the script tells of two ports that are as they were: there, one of them up. */
const AS_BEFORE = "lo rx0 tx0 tx0@\n0";

/** Opens a wire that fails at its last step, and tells which descriptors are left of it. */
const FAILING = `
  import { readdirSync, readlinkSync } from "node:fs";
  const [, dist, host] = process.argv;
  const { NicWire } = await import(dist + "engine/backend/af-xdp/nic-wire.js");
  const { enterFreshNamespace } = await import(dist + "engine/backend/net/namespace.js");
  enterFreshNamespace(Number(host));
  const open = () => readdirSync("/proc/self/fd").map((fd) => {
    try { return readlinkSync("/proc/self/fd/" + fd); } catch { return ""; }
  }).filter((what) => /bpf|socket|net:/.test(what)).sort().join();
  const before = open();
  let told = "";
  for (const ports of [["rx0", "tx0", 3], ["rx0", "none0", 0]]) {
    const [device, peer, queue] = ports;
    try { new NicWire({ interface: device, peer, queue }); }
    catch (error) { told += error.message; }
  }
  console.log(JSON.stringify({ told, left: open() === before }));`;

/** A replay by the built program in a namespace that has two ports wired to each other. */
function onPorts(path: string, ...args: string[]) {
  const words = [process.execPath, RUN_JS, "replay", "--backend", "af-xdp", "--json", ...args];
  const command = ["-n", "sh", "-c", SCRIPT, ...words, path];
  const { stdout, stderr, status } = spawnSync("unshare", command, { encoding: "utf8" });
  const answer = JSON.parse(stdout) as Partial<NetmemRecord> & { error?: { message: string } };
  return { run: answer.runs?.[0] as RunRecord, error: answer.error, ports: stderr, status };
}

const PORTS = ["--interface", "rx0", "--peer", "tx0"];

describe.runIf(runsHere("af-xdp") && offers("veth"))("a NIC port under AF_XDP", () => {
  it("delivers what TAP delivers, says how it is bound, and goes home", () => {
    const path = madeCapture({ frames: 3000, segmentBytes: 1400, flows: 8, seed: 5 });
    const { run, ports, status } = onPorts(path, ...PORTS, "--queue", "0", "--streams");
    expect([status, ports.trim()]).toEqual([0, AS_BEFORE]);
    expect(run.streams).toEqual(replayed(path, "--backend", "af-xdp", "--streams").streams);
    expect(run.deliveredBytes).toBe(3000 * 1400);
    expect(run.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
    expect(run.leaks.count).toBe(0);
    expect(run.native!.left.interfaces).toBe(0);
    expect(run.native!.notes.join()).toMatch(/packet socket on tx0.*XDP_COPY/);
  });

  it("takes no frame above its MTU, and counts those", () => {
    const path = madeCapture({ frames: 50, segmentBytes: 3000, flows: 1, seed: 6 });
    const { run } = onPorts(path, ...PORTS, "--queue", "0");
    expect([run.driver.refused, run.deliveredBytes]).toEqual([50, 0]);
  });

  it("is named with its peer, and with a queue that it has", () => {
    const path = madeCapture({ frames: 5, segmentBytes: 100, flows: 1, seed: 7 });
    const wrong: Array<[string[], RegExp]> = [
      [["--interface", "rx0"], /a NIC port needs a port that is wired to it/],
      [["--interface", "rx0", "--peer", "none0"], /there is no interface none0/],
      [[...PORTS, "--queue", "3"], /flows cannot be steered to queue 3 of rx0/],
    ];
    for (const [args, message] of wrong) {
      const { error, ports, status } = onPorts(path, ...args);
      expect([status, ports.trim()]).toEqual([4, AS_BEFORE]);
      expect(error!.message).toMatch(message);
    }
  });

  it("that cannot be opened leaves no descriptor", () => {
    const dist = new URL("../dist/", pathToFileURL(RUN_JS)).href;
    const node = [process.execPath, "--input-type=module", "-e", FAILING, dist, "0"];
    const { stdout, stderr } = spawnSync("unshare", ["-n", "sh", "-c", SCRIPT, ...node], {
      encoding: "utf8",
    });
    const { told, left } = JSON.parse(stdout) as { told: string; left: boolean };
    expect(told).toMatch(/cannot be steered.*there is no interface none0/);
    expect(left).toBe(true);
    expect(stderr.trim()).toBe(AS_BEFORE);
  });
});
