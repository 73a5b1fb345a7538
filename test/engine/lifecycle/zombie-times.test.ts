import { describe, expect, test } from "vitest";
import { DRIVERS, type DriverName } from "../../../src/engine/driver/profile.js";
import { poolGet } from "../../../src/engine/page-pool/pool-netlink.js";
import type { ProviderKind } from "../../../src/engine/receive-options.js";
import { PathRig } from "./path-rig.js";

/** A path whose application reads late: what came is with TCP (page) or with the user. */
function holding(provider: ProviderKind, driver: DriverName = "fbnic"): PathRig {
  const rig = new PathRig({ provider, driver, readDelayNs: provider === "page" ? 1e15 : 0 });
  rig.send(3);
  return rig;
}

/** Gives back what {@link holding} left. */
function giveBack(rig: PathRig): void {
  if (rig.path.options.provider === "page") rig.life.closeSockets(0);
  else rig.path.app.giveBackAll();
  if (rig.path.options.provider === "zcrx") rig.zcrx.ifqs[0]!.flushRq();
}

function zombie(rig: PathRig) {
  return rig.life
    .pools()
    .find(({ state, detachSeconds }) => state === "zombie" || detachSeconds >= 0)!;
}

/** Netmems of the payload pool that are out: fbnic's has the page with the three heads too. */
const PATHS = [
  ["page", "fbnic", 4],
  ["page", "bnxt", 3],
  ["page", "gve", 3],
  ...DRIVERS.flatMap((driver) =>
    (["devmem", "zcrx"] as const).map((provider) => [provider, driver, 3] as const),
  ),
] as const;

describe.each(PATHS)(
  "a pool destroyed with netmems in flight, %s on %s:",
  (provider, driver, out) => {
    test.each([
      [0.2, 1],
      [1.5, 2],
      [6.9, 7],
      [100.5, 101],
    ])("given back after %d s it is freed at the next whole second, %d", (seconds, freedAfter) => {
      const rig = holding(provider, driver);
      rig.pass(4e9);
      const startNs = rig.path.clock.nowNs;
      rig.life.linkDown();
      expect(zombie(rig)).toMatchObject({
        state: "zombie",
        detachSeconds: Math.floor(startNs / 1e9),
        inflight: out,
        tries: 0,
      });
      rig.pass(seconds * 1e9);
      expect(zombie(rig).tries).toBe(Math.floor(seconds));
      giveBack(rig);
      rig.pass(0);
      // What comes back lies in the ring of the dead pool until it is tried again.
      expect(zombie(rig)).toMatchObject({ state: "zombie", holders: { poolRing: out, app: 0 } });
      rig.pass(1e9);
      expect(zombie(rig)).toMatchObject({ state: "freed", freedAfterSeconds: freedAfter });
      expect(zombie(rig).tries).toBe(freedAfter);
      expect(rig.path.pools.nextRetryNs).toBe(Number.POSITIVE_INFINITY);
    });

    test.each([
      ["the device is there", "link-down", []],
      ["the device went, netlink shows it on lo", "unregister", []],
      ["the namespace went too", "namespace", [60, 120, 180]],
    ] as const)("warns only where netlink cannot show it: %s", (_what, how, warned) => {
      const rig = holding(provider, driver);
      if (how === "link-down") rig.life.linkDown();
      else if (how === "unregister") rig.life.unregisterNetdev();
      else {
        rig.life.unregisterNetdev();
        rig.life.exitNamespace();
      }
      const { id } = zombie(rig);
      const times: number[] = [];
      for (let second = 1; second <= 200; second++) {
        const before = rig.path.pools.warnings.length;
        rig.pass(1e9);
        if (rig.path.pools.warnings.length > before) times.push(second);
      }
      expect(times).toEqual(warned);
      expect(rig.path.pools.warnings).toEqual(
        warned.map((second) => `stalled pool shutdown: id ${id}, ${out} inflight ${second} sec`),
      );
      const shown = poolGet(rig.path.pools, id);
      if (how === "namespace") expect(shown).toBe(-2);
      else
        expect(shown).toMatchObject({ id, inflight: out, detachTime: zombie(rig).detachSeconds });
      if (how === "unregister") expect(shown).not.toHaveProperty("ifindex");
      giveBack(rig);
      rig.pass(1e9);
      expect(zombie(rig)).toMatchObject({ state: "freed", freedAfterSeconds: 201 });
    });

    test("that became invisible late warns at its next try", () => {
      const rig = holding(provider, driver);
      rig.life.linkDown();
      rig.pass(90.5e9);
      expect(rig.path.pools.warnings).toEqual([]);
      rig.life.exitNamespace();
      rig.pass(1e9);
      expect(rig.path.pools.warnings[0]).toContain(`${out} inflight 91 sec`);
      rig.pass(59e9);
      expect(rig.path.pools.warnings).toHaveLength(1);
      rig.pass(1e9);
      expect(rig.path.pools.warnings).toHaveLength(2);
    });
  },
);

test("a long rest is passed over as its seconds one by one would have been", () => {
  const rigs = [holding("zcrx"), holding("zcrx")] as const;
  for (const rig of rigs) {
    rig.life.unregisterNetdev();
    rig.life.exitNamespace();
  }
  const [slow, fast] = rigs;
  for (let second = 0; second < 3700; second++) slow.pass(1e9);
  fast.pass(3700e9);
  expect(zombie(fast)).toEqual(zombie(slow));
  expect(fast.path.pools.warnings).toEqual(slow.path.pools.warnings);
  expect(zombie(fast).tries).toBe(3700);
  for (const rig of rigs) {
    giveBack(rig);
    rig.pass(1e9);
    expect(zombie(rig)).toMatchObject({ state: "freed", freedAfterSeconds: 3701 });
  }
  expect(slow.path.pools.warnings).toHaveLength(61);
});

test("a rest of a hundred years costs no try a second", () => {
  const rig = holding("devmem");
  rig.life.unregisterNetdev();
  rig.life.exitNamespace();
  const started = performance.now();
  rig.path.runToTime(3_155_760_000, 5);
  expect(performance.now() - started).toBeLessThan(2000);
  // The rig's application gives back after 10^15 ns.
  expect(zombie(rig)).toMatchObject({ state: "freed", tries: 1_000_000 });
  expect(rig.path.elapsed()).toEqual({ seconds: 3_155_760_000, nanoseconds: 5 });
  expect(rig.path.pools.warnings).toHaveLength(1000);
  const warned = rig.path.pools.pools.map((pool) => pool?.shutdown.warned ?? 0);
  expect(Math.max(...warned)).toBe(Math.floor(999_999 / 60));
});

test("a run with a zombie ends: drain gives up, teardown closes what is open", () => {
  const rig = new PathRig({ provider: "zcrx" });
  rig.send(3);
  rig.life.exitApplication({ order: [] });
  rig.life.exportFd(0);
  rig.life.linkDown();
  rig.path.endPass();
  expect(rig.path.pools.zombies).toHaveLength(1);
  rig.path.teardown();
  expect(rig.zcrx.all[0]!.freed).toBe(true);
  expect(rig.path.pools.zombies).toEqual([]);
});

test("events that are planned happen in the loop, in the order of their times", () => {
  const rig = new PathRig({ provider: "devmem" });
  const { nowNs } = rig.path.clock;
  const seen: number[] = [];
  for (const ms of [9, 3, 6]) {
    rig.life.at(nowNs + ms * 1e6, (life) => {
      seen.push((rig.path.clock.nowNs - nowNs) / 1e6);
      life.restartQueue(0);
    });
  }
  rig.life.at(nowNs - 5, () => seen.push(-1));
  rig.send(12);
  expect(seen).toEqual([-1, 3, 6, 9]);
  expect(rig.life.log.of("queue-restart").map(({ nanoseconds }) => nanoseconds)).toEqual(
    [3, 6, 9].map((ms) => nowNs + ms * 1e6),
  );
  rig.path.audit();
});
