import { describe, expect, test } from "vitest";
import { PathRig } from "./path-rig.js";

const HELD = 5;

/** (S) the netlink socket is closed, (P) the pool is destroyed, (U) uninstall at unregister. */
const STEPS: Readonly<Record<string, (rig: PathRig) => void>> = {
  S: (rig) => rig.life.closeNetlink(),
  P: (rig) => rig.life.linkDown(),
  U: (rig) => rig.life.unregisterNetdev(),
};

/** When the tokens go back: before the first step, behind one, or at socket destroy. */
const RETURNS = ["before", "after 1", "after 2", "after 3", "socket destroy"] as const;

function run(order: string, returned: (typeof RETURNS)[number], kernel: string): PathRig {
  const rig = new PathRig({ provider: "devmem", kernel });
  rig.send(HELD);
  if (returned === "before") rig.path.app.giveBackAll();
  [...order].forEach((step, i) => {
    STEPS[step]!(rig);
    rig.path.audit();
    if (returned === `after ${i + 1}`) rig.path.app.giveBackAll();
    rig.pass(0);
  });
  return rig;
}

const CASES = ["SPU", "PSU", "PUS"].flatMap((order) =>
  RETURNS.flatMap((returned) =>
    ["6.12", "7.3"].map((kernel) => [order, returned, kernel] as const),
  ),
);

describe("devmem: socket close, pool destroy and uninstall in every order", () => {
  test.each(CASES)("%s, tokens back %s, %s", (order, returned, kernel) => {
    const rig = run(order, returned, kernel);
    const binding = rig.devmem.all[0]!;
    const [, , pool] = rig.life.pools();
    // Only tokens that came back before all else are not waited for.
    const waits = returned !== "before";
    expect([binding.freed, pool!.state]).toEqual(waits ? [false, "zombie"] : [true, "freed"]);
    expect(binding.mapped).toBe(!binding.freed);
    if (returned === "socket destroy") {
      rig.pass(30e9);
      expect(rig.life.pools()[2]).toMatchObject({ state: "zombie", inflight: HELD, tries: 30 });
      rig.life.closeSockets();
    }
    rig.pass(2e9);
    expect([binding.freed, binding.freeCount, binding.warnings]).toEqual([true, 256, []]);
    expect(rig.life.pools().every(({ state }) => state === "freed")).toBe(true);
    expect(rig.path.netdev.mgmt.warnings).toEqual([]);
    rig.path.audit();
  });

  test("U before P cannot happen: unregister closes the device first", () => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(HELD);
    rig.life.unregisterNetdev();
    expect(rig.life.pools()[2]).toMatchObject({ state: "zombie", visibility: "orphaned" });
    expect(rig.devmem.binding).toMatchObject({ deviceGone: true, freed: false });
    expect(rig.devmem.binding!.queues.size).toBe(0);
  });

  test("without uninstall the socket's close meets a device that is gone", () => {
    const rig = run("PUS", "before", "rfc-v6");
    expect(rig.path.netdev.mgmt.warnings).toEqual(["close of queue 0 of a freed device"]);
  });
});

describe("the binding's reference", () => {
  test.each([
    ["6.18", "refcount: within the last put", true],
    ["7.0", "percpu_ref: from a work item behind it", false],
  ])("%s, %s", (kernel, _what, atOnce) => {
    const rig = new PathRig({ provider: "devmem", kernel });
    rig.life.linkDown();
    rig.life.closeNetlink();
    expect(rig.devmem.all[0]!.freed).toBe(atOnce);
    rig.pass(0);
    expect(rig.devmem.all[0]!.freed).toBe(true);
    const [free] = rig.life.log.of("binding-free");
    expect(free!.call).toBe("__net_devmem_dmabuf_binding_free");
  });
});

describe("TCP sockets are independent of the binding", () => {
  test("a socket that is destroyed first gives its tokens to a live pool", () => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(HELD);
    rig.life.closeSocket(rig.sock, 0);
    rig.pass(0);
    expect(rig.life.pools()[2]).toMatchObject({ state: "live", holders: { app: 0 } });
    rig.life.closeNetlink();
    rig.pass(0);
    expect(rig.devmem.all[0]!.freed).toBe(true);
  });

  test("data of the old binding that is still unread can be read after a new one is bound", () => {
    const rig = new PathRig({ provider: "devmem", spareAreas: 1, readDelayNs: 50e6 });
    rig.send(HELD);
    expect(rig.holders().stack).toBe(HELD);
    rig.life.closeNetlink();
    expect(rig.life.bindAgain()).toBe(0);
    rig.pass(100e6);
    expect(rig.path.app.counts.referenceBytes).toBe(HELD * 4000);
    rig.send(1).pass(100e6);
    const [, , old, , , , fresh] = rig.life.pools();
    expect(rig.devmem.all.map(({ freed }) => freed)).toEqual([false, false]);
    rig.path.app.giveBackAll();
    rig.pass(2e9);
    expect(rig.devmem.all.map(({ freed }) => freed)).toEqual([true, false]);
    expect([old!.state, fresh!.state]).toEqual(["zombie", "live"]);
    rig.path.audit();
  });
});
