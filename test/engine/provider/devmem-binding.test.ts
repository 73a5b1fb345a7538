import { describe, expect, test } from "vitest";
import { createPool } from "../../../src/engine/page-pool/create-pool.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import { DevmemBinding, DevmemRegistry } from "../../../src/engine/provider/devmem.js";
import { PARAMS, Rig } from "../page-pool/rig.js";

const QUEUE = { queue: 0, dmaDevice: 1 };

/** A binding on queue 0 of a rig, with a pool that has two netmems in flight. */
function bound(): {
  rig: Rig;
  registry: DevmemRegistry;
  binding: DevmemBinding;
  pool: PagePool;
  held: number[];
} {
  const rig = new Rig("devmem", 32);
  const registry = new DevmemRegistry(rig.table);
  const plan = { queues: [QUEUE], sgBytes: [32 * 4096], first: 0 };
  const binding = registry.bind(
    plan,
    () => 0,
    () => {},
  ) as DevmemBinding;
  const pool = createPool(rig.pools, PARAMS, { pages: null, provider: binding }) as PagePool;
  return { rig, registry, binding, pool, held: [rig.received(pool), rig.received(pool)] };
}

describe("bind-rx", () => {
  const none = (): number => 0;
  const ignore = (): void => {};

  test.each([
    ["no queue", [], -22],
    ["no DMA device", [{ queue: 0, dmaDevice: -1 }], -95],
    ["two DMA devices", [QUEUE, { queue: 1, dmaDevice: 2 }], -95],
  ])("refuses %s", (_what, queues, errno) => {
    const registry = new DevmemRegistry(new Rig("devmem", 8).table);
    expect(registry.bind({ queues, sgBytes: [4096], first: 0 }, none, ignore)).toBe(errno);
  });

  test("publishes the id before the queues open, and takes all back when one refuses", () => {
    const registry = new DevmemRegistry(new Rig("devmem", 8).table);
    const queues = [0, 1, 2].map((queue) => ({ queue, dmaDevice: 1 }));
    const steps: string[] = [];
    const failed = registry.bind(
      { queues, sgBytes: [8 * 4096], first: 0 },
      (queue, binding) => {
        steps.push(`open ${queue} id ${binding.id} ${registry.lookup(1) === binding}`);
        return queue === 2 ? -16 : 0;
      },
      (queue, binding) => steps.push(`close ${queue} id ${binding.id} ${registry.lookup(1)}`),
    );
    expect(failed).toBe(-16);
    expect(steps).toEqual([
      "open 0 id 1 true",
      "open 1 id 1 true",
      "open 2 id 1 true",
      "close 0 id 0 null",
      "close 1 id 0 null",
    ]);
    const next = registry.bind({ queues: [QUEUE], sgBytes: [4096], first: 0 }, none, ignore);
    expect((next as DevmemBinding).id).toBe(2);
  });

  test("loses the tail of a scatter list entry that is no whole niov", () => {
    const rig = new Rig("devmem", 8);
    const plan = { queues: [QUEUE], sgBytes: [2 * 4096 + 100, 3 * 4096, 4095], first: 0 };
    const binding = new DevmemBinding(rig.table, plan);
    expect(binding.netmemCount).toBe(5);
    expect(binding.fragOffset(1, 10)).toBe(4096 + 10);
    expect(binding.fragOffset(2, 0)).toBe(2 * 4096 + 100);
    expect([4, 5].map((n) => binding.owns(n))).toEqual([true, false]);
  });
});

describe("the orders of teardown all end with the binding freed", () => {
  const orders: Array<[string, string]> = [
    ["socket close, pool destroy, uninstall", "SPU"],
    ["pool destroy, socket close, uninstall", "PSU"],
    ["pool destroy, uninstall, socket close", "PUS"],
  ];
  test.each(orders)("%s", (_what, order) => {
    const { rig, registry, binding, pool, held } = bound();
    const steps: Record<string, () => void> = {
      S: () => registry.unbind(binding, () => {}),
      P: () => rig.pools.destroy(pool),
      U: () => binding.uninstall(0),
    };
    for (const step of order) steps[step]!();
    expect([binding.freed, binding.queues.size]).toEqual([false, 0]);
    for (const n of held) rig.put(n);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    expect([binding.freed, binding.freeCount, binding.warnings]).toEqual([true, 32, []]);
    rig.pools.audit();
  });

  test("a freed binding takes no pool any more", () => {
    const { rig, registry, binding, pool, held } = bound();
    for (const n of held) rig.put(n);
    registry.unbind(binding, () => {});
    rig.pools.destroy(pool);
    expect(createPool(rig.pools, PARAMS, { pages: null, provider: binding })).toBe(-22);
  });
});
