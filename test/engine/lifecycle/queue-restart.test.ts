import { describe, expect, test } from "vitest";
import { DRIVERS, type DriverName } from "../../../src/engine/driver/profile.js";
import type { ProviderKind } from "../../../src/engine/receive-options.js";
import { PathRig } from "./path-rig.js";

const HELD = 4;

function running(provider: ProviderKind, driver: DriverName, queues = 1): PathRig {
  const rig = new PathRig({ provider, driver, queues });
  rig.send(HELD);
  return rig;
}

const PATHS = DRIVERS.flatMap((driver) =>
  (["page", "devmem", "zcrx"] as const).map((provider) => [provider, driver] as const),
);

describe.each(PATHS)("a queue restart, %s on %s:", (provider, driver) => {
  const out = provider === "page" ? 0 : HELD;

  test("the new pool is there before the old one goes, and both share the provider", () => {
    const rig = running(provider, driver);
    const before = rig.payloadPools().length;
    expect(rig.life.restartQueue(0)).toBe(0);
    const [old, fresh] = rig.payloadPools().slice(before - 1);
    expect([old!.state, old!.inflight]).toEqual(out > 0 ? ["zombie", out] : ["freed", 0]);
    expect([fresh!.state, fresh!.holders.driver > 0]).toEqual(["live", true]);
    rig.send(2);
    rig.path.audit();
  });

  test("that fails once leaves the old queue at work", () => {
    const rig = running(provider, driver);
    const before = rig.payloadPools();
    expect(rig.life.restartQueue(0, { start: 1 })).toBe(-5);
    const after = rig.payloadPools();
    expect(after.at(-2)).toMatchObject({ id: before.at(-1)!.id, state: "live" });
    expect(after.at(-1)).toMatchObject({ state: "freed", inflight: 0 });
    expect(rig.path.netdev.mgmt.warnings).toEqual([]);
    expect(rig.path.netdev.queues[0]!.live).toBe(true);
    const { deliveredBytes } = rig.path.app.counts;
    rig.send(2);
    expect(rig.path.app.counts.deliveredBytes).toBe(deliveredBytes + 8000);
    rig.path.audit();
  });

  test("that fails twice frees both, warns, and the queue is dead until it is built again", () => {
    const rig = running(provider, driver);
    expect(rig.life.restartQueue(0, { start: 2 })).toBe(-5);
    expect(rig.path.netdev.mgmt.warnings).toEqual([
      "Failed to restart old queue in error path. RX queue 0 may be unhealthy.",
    ]);
    const states = rig.payloadPools().map(({ state }) => state);
    expect(states.filter((state) => state === "live")).toEqual([]);
    expect(states.includes("zombie")).toBe(out > 0);
    const { overruns } = rig.path.nic;
    rig.send(3).pass(5e9);
    expect(rig.path.nic.overruns).toBe(overruns + 3);
    rig.path.audit();
    expect(rig.life.restartQueue(0)).toBe(0);
    expect(rig.path.netdev.queues[0]!.live).toBe(true);
    rig.connect().send(1);
    expect(rig.path.nic.overruns).toBe(overruns + 3);
  });

  test("that gets no memory, or whose queue does not stop, changes nothing", () => {
    const rig = running(provider, driver);
    expect(rig.life.restartQueue(0, { memAlloc: 1 })).toBe(-12);
    expect(rig.life.restartQueue(0, { stop: 1 })).toBe(-5);
    expect(rig.path.netdev.queues[0]!.live).toBe(true);
    expect(rig.payloadPools().filter(({ state }) => state === "live")).toHaveLength(1);
    rig.send(2);
    rig.path.audit();
  });

  test("of a closed device starts nothing: fbnic allocates and frees, the others refuse", () => {
    const rig = running(provider, driver);
    rig.life.linkDown();
    const answers = { fbnic: 0, bnxt: -100, gve: -11 };
    expect(rig.life.restartQueue(0)).toBe(answers[driver]);
    expect(rig.payloadPools().filter(({ state }) => state === "live")).toEqual([]);
    expect(rig.life.linkUp()).toBe(0);
    expect(rig.payloadPools().at(-1)).toMatchObject({ state: "live" });
  });

  test("both orders of two queues end alike", () => {
    const ends = [
      [0, 1],
      [1, 0],
    ].map((order) => {
      const rig = running(provider, driver, 2);
      for (const queue of order) expect(rig.life.restartQueue(queue)).toBe(0);
      rig.path.app.giveBackAll();
      for (const ifq of provider === "zcrx" ? rig.zcrx.ifqs : []) ifq.flushRq();
      rig.pass(3e9);
      rig.path.audit();
      const pools = rig.payloadPools();
      return [pools.filter(({ state }) => state === "live").length, rig.holders()];
    });
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]![0]).toBe(2);
  });
});

test("a provider that is used up starves the new queue until the old pool is gone", () => {
  const rig = new PathRig({ provider: "devmem", netmems: 20, ring: 64 });
  expect(rig.life.restartQueue(0)).toBe(0);
  const fresh = rig.payloadPools().at(-1)!;
  expect(fresh.holders.driver).toBe(4);
  rig.send(6).pass(2e9);
  expect(rig.payloadPools().at(-1)!.inflight).toBeGreaterThan(4);
});

test("a queue that does not exist, or a device that is gone, is refused", () => {
  const rig = new PathRig({ provider: "devmem" });
  expect([rig.life.restartQueue(-1), rig.life.restartQueue(7)]).toEqual([-34, -34]);
  rig.life.unregisterNetdev();
  expect(rig.life.restartQueue(0)).toBe(-19);
  expect([rig.life.linkUp(), rig.life.linkDown(), rig.life.resetDriver()]).toEqual([-19, -19, -19]);
  expect(rig.life.unregisterNetdev()).toBe(-19);
});
