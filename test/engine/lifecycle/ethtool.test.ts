import { describe, expect, test } from "vitest";
import type { RxQueue } from "../../../src/engine/driver/rx-queue.js";
import { PathRig } from "./path-rig.js";

describe("while a provider is bound", () => {
  const rig = (): PathRig => new PathRig({ provider: "devmem", queues: 2 });

  test("header split cannot be turned off, nor a threshold be set", () => {
    const { life } = rig();
    expect([life.setHeaderSplit(false), life.setHdsThresh(64)]).toEqual([-22, -22]);
    expect([life.setHeaderSplit(true), life.setHdsThresh(0)]).toEqual([0, 0]);
  });

  test("channels can be reduced to the last bound queue and no further", () => {
    const { life, path } = rig();
    expect([life.setChannels(1), life.setChannels(0), life.setChannels(9)]).toEqual([
      -22, -22, -22,
    ]);
    expect(life.setChannels(2)).toBe(0);
    expect(path.netdev.mgmt.queues.map((rxq) => rxq.provider?.name)).toEqual([
      "devmem",
      "devmem",
      undefined,
      undefined,
    ]);
  });

  test("XDP is refused; the length of the rings is not", () => {
    const { life, path } = rig();
    expect([life.attachXdp("frags"), life.attachXdp("single-buffer")]).toEqual([-16, -16]);
    expect(life.setRing(100)).toBe(0);
    expect(path.netdev.ring).toBe(128);
    expect((path.netdev.queues[0]!.queue as RxQueue).payloads.mask).toBe(31);
    expect([life.setRing(8), life.setRing(65537)]).toEqual([-22, -22]);
    expect(path.netdev.queues[0]!.payloadPool.provider?.name).toBe("devmem");
  });

  test("each refusal stands in the log with the kernel's function", () => {
    const { life } = rig();
    life.setHeaderSplit(false);
    life.setChannels(1);
    expect(life.log.entries.slice(-2)).toMatchObject([
      { event: "header-split", call: "ethnl_set_rings", errno: -22, detail: "off" },
      { event: "channels", call: "ethnl_set_channels", errno: -22, detail: "1" },
    ]);
  });
});

describe("without a provider", () => {
  test("everything is allowed, and the NIC does it", () => {
    const rig = new PathRig({ provider: "page", queues: 2, driver: "bnxt" });
    const { life, path } = rig;
    expect(life.setHeaderSplit(false)).toBe(0);
    rig.send(2);
    expect(path.nic.unsplit).toBeGreaterThan(0);
    expect(life.setHeaderSplit(true)).toBe(0);
    const { unsplit } = path.nic;
    rig.send(2);
    expect(path.nic.unsplit).toBe(unsplit);
    expect([life.setHdsThresh(64), life.setHdsThresh(-1), life.setHdsThresh(5000)]).toEqual([
      0, -22, -22,
    ]);
  });

  test("fewer channels leave the others' queues dead, more bring them back", () => {
    const rig = new PathRig({ provider: "page", queues: 4 });
    expect(rig.life.setChannels(1)).toBe(0);
    expect(rig.path.netdev.queues.map(({ live }) => live)).toEqual([true, false, false, false]);
    for (let i = 0; i < 8; i++) rig.connect().send(1);
    expect(rig.path.nic.overruns).toBe(0);
    expect(rig.path.app.counts.deliveredBytes).toBe(8 * 4000);
    expect(rig.life.setChannels(4)).toBe(0);
    expect(rig.path.netdev.queues.map(({ live }) => live)).toEqual([true, true, true, true]);
    for (let i = 0; i < 8; i++) rig.connect().send(1);
    expect(rig.path.app.counts.deliveredBytes).toBe(16 * 4000);
    expect(rig.path.netdev.queues.filter(({ queue }) => queue.polls > 1).length).toBeGreaterThan(2);
    rig.path.audit();
  });

  test("a program without frags and header split exclude each other", () => {
    const { life } = new PathRig({ provider: "page", driver: "gve" });
    expect(life.attachXdp("single-buffer")).toBe(-16);
    life.setHeaderSplit(false);
    expect([life.attachXdp("single-buffer"), life.attachXdp("frags")]).toEqual([0, -16]);
    expect(life.setHeaderSplit(true)).toBe(-22);
  });

  test("fbnic always splits: off is refused", () => {
    const { life, path } = new PathRig({ provider: "page", driver: "fbnic" });
    expect([life.setHeaderSplit(false), life.setHeaderSplit(true)]).toEqual([-22, 0]);
    expect(path.netdev.tcpDataSplit).toBe(true);
  });

  test("queues that cannot be had leave the setting of before, and the queues at work", () => {
    const rig = new PathRig({ provider: "page", queues: 4, driver: "bnxt" });
    const { life, path } = rig;
    for (const set of [
      () => life.setChannels(2),
      () => life.setHeaderSplit(false),
      () => life.setRing(64),
    ]) {
      path.netdev.failing.memAlloc = 1;
      expect(set()).toBe(-12);
      const { channels, tcpDataSplit, ring, running } = path.netdev;
      expect([channels, tcpDataSplit, ring, running]).toEqual([4, true, 16, true]);
    }
    rig.connect().send(2);
    rig.path.audit();
    expect(rig.path.app.counts.deliveredBytes).toBe(8000);
  });

  test("a provider is refused on a closed device that needs its rings for it", () => {
    const answers = (["fbnic", "bnxt", "gve"] as const).map((driver) => {
      const rig = new PathRig({ provider: "devmem", spareAreas: 1, driver });
      rig.life.closeNetlink();
      expect(rig.path.netdev.mgmt.warnings).toEqual([]);
      rig.life.linkDown();
      const refused = rig.life.bindAgain();
      rig.life.linkUp();
      if (refused !== 0) expect(rig.life.bindAgain()).toBe(0);
      rig.pass(0);
      rig.path.audit();
      return refused;
    });
    expect(answers).toEqual([0, -100, -11]);
  });

  test("a provider is refused where the device does not allow one", () => {
    const thresh = new PathRig({ provider: "devmem", spareAreas: 1 });
    thresh.life.closeNetlink();
    expect(thresh.life.setHdsThresh(64)).toBe(0);
    expect(thresh.life.bindAgain()).toBe(-22);
    thresh.life.setHdsThresh(0);
    expect(thresh.life.attachXdp("frags")).toBe(0);
    expect(thresh.life.bindAgain()).toBe(-17);
    const bound = new PathRig({ provider: "devmem", spareAreas: 1 });
    expect(bound.life.bindAgain()).toBe(-17);
    const open = new PathRig({ provider: "zcrx", spareAreas: 1 });
    expect(open.life.registerAgain()).toBe(-17);
    const gone = new PathRig({ provider: "devmem", spareAreas: 1 });
    gone.life.closeNetlink();
    gone.life.unregisterNetdev();
    expect(gone.life.bindAgain()).toBe(-19);
    gone.pass(0);
    gone.path.audit();
  });
});

test("events of a provider that the run does not have are refused", () => {
  const { life } = new PathRig({ provider: "page" });
  expect([life.closeNetlink(), life.bindAgain(), life.exitRing()]).toEqual([-95, -95, -95]);
  expect([life.registerAgain(), life.exportFd(0), life.closeFd()]).toEqual([-95, -95, -95]);
});
