import { describe, expect, test } from "vitest";
import { DRIVERS } from "../../../src/engine/driver/profile.js";
import {
  DEVMEM_KERNELS,
  DEVMEM_ORDERS,
  devmemOnFbnic,
  devmemOrder,
  HELD,
  playDevmem,
  RETURNS,
  warningsOf,
} from "./orders-table.js";
import { PathRig } from "./path-rig.js";

const CASES = DRIVERS.flatMap((driver) =>
  DEVMEM_ORDERS.flatMap((order) =>
    RETURNS.flatMap((returned) =>
      DEVMEM_KERNELS.map((kernel) => [driver, order, returned, kernel] as const),
    ),
  ),
);

describe("devmem: socket close, pool destroy and uninstall in every order", () => {
  test.each(CASES)("%s, %s, tokens back %s, %s", (driver, order, returned, kernel) => {
    // Only tokens that came back before all else are not waited for.
    const waits = returned !== "before";
    const rig = playDevmem(order, returned, { kernel, driver }, (step, at) => {
      const [binding] = at.devmem.all;
      expect(binding!.mapped).toBe(!binding!.freed);
      const payload = at.payloadPools().at(-1)!;
      if (step === order.at(-1)) {
        const ends = waits ? [false, "zombie"] : [true, "freed"];
        expect([binding!.freed, payload.state]).toEqual(ends);
      }
      if (step !== "30 s") return;
      expect(payload).toMatchObject({ state: "zombie", inflight: HELD, tries: 30 });
    });
    const [binding] = rig.devmem.all;
    expect([binding!.freed, binding!.freeCount, binding!.warnings]).toEqual([true, 256, []]);
    expect(rig.life.pools().every(({ state }) => state === "freed")).toBe(true);
    expect(rig.path.netdev.mgmt.warnings).toEqual(warningsOf(driver, order === "PSU"));
    rig.path.audit();
  });

  test.each([
    ["rfc-v6", "6.12"],
    ["6.18", "6.12"],
    ["7.0", "7.3"],
    ["7.1", "7.3"],
    ["7.2", "7.3"],
  ])("%s is in every order as %s", (kernel, like) => {
    // The thread's vintage has no uninstall: behind U its queue is never taken off.
    const orders = DEVMEM_ORDERS.filter((order) => kernel !== "rfc-v6" || order !== "PUS");
    for (const order of orders) {
      for (const returned of RETURNS) {
        const ends = [kernel, like].map((each) => devmemOnFbnic(order, returned, each));
        expect({ order, returned, ends: ends[0] }).toEqual({ order, returned, ends: ends[1] });
      }
    }
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
    const rig = devmemOrder("PUS", "before", { kernel: "rfc-v6" });
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
