import { expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import { dataFrame, QueueRig } from "./queue-rig.js";

test.each(["devmem", "zcrx"] as const)("%s is refused on a queue without header split", (kind) => {
  const off = { mode: "off", failEvery: 0 } as const;
  expect(() => new QueueRig({ kind, split: off })).toThrow("open: -22");
  expect(() => new QueueRig({ kind: "page", split: off })).not.toThrow();
});

test("a queue does not come up with a provider that is not open on it", () => {
  const { rig, netdev } = new QueueRig();
  const memory = { pages: rig.pages, provider: rig.provider, netmemBytes: 4096 };
  expect(() => netdev.addQueue(memory)).toThrow("not open");
});

test("a restart keeps the provider; the old pool lives on until its netmems are back", () => {
  const rig = new QueueRig({ frees: false });
  rig.arrive(dataFrame(noise(100, 1)));
  rig.take();
  const { payloadPool: old } = rig.made[0]!;
  expect(rig.netdev.mgmt.restart(0)).toBe(0);
  const { payloadPool } = rig.made[0]!;
  expect([payloadPool === old, payloadPool.provider]).toEqual([false, rig.rig.provider]);
  expect([old.inflight, old.freed]).toEqual([1, false]);
  rig.freeKept();
  rig.rig.clock.nowNs += 2e9;
  rig.rig.pools.retryRelease();
  expect(old.freed).toBe(true);
  rig.arrive(dataFrame(noise(100, 2)));
  expect(rig.take()).toHaveLength(1);
  rig.rig.pools.audit();
});

test("a close after the device went down gives the provider back", () => {
  const { rig, netdev } = new QueueRig();
  netdev.stop();
  netdev.close(0, rig.provider!);
  expect(netdev.mgmt.queues[0]!.provider).toBeNull();
  expect(netdev.mgmt.warnings).toEqual([]);
  expect(rig.binding!.refs).toBe(1);
});
