import { describe, expect, test } from "vitest";
import {
  type NetDevice,
  QueueMgmt,
  type QueueMgmtOps,
  type RxQueueState,
} from "../../../src/engine/driver/queue-mgmt.js";
import { createPool } from "../../../src/engine/page-pool/create-pool.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import { PARAMS, Rig } from "../page-pool/rig.js";

const DEVICE: NetDevice = {
  opsLock: true,
  realNumRxQueues: 2,
  tcpDataSplit: true,
  hdsThresh: 0,
  xdpAttached: false,
  rxPageSizes: true,
  running: true,
  registered: true,
};

/** A driver that keeps one pool a queue and notes what is asked of it. */
class Driver implements QueueMgmtOps<{ pool: PagePool }> {
  readonly steps: string[] = [];
  readonly fails: string[] = [];
  active: { pool: PagePool } | null = null;
  ignoresProvider = false;
  mgmt: QueueMgmt<{ pool: PagePool }> | null = null;

  constructor(readonly rig: Rig) {}

  memAlloc(queue: number): { pool: PagePool } | number {
    this.steps.push("memAlloc");
    if (this.#fails("memAlloc")) return -12;
    const provider = this.ignoresProvider ? null : this.mgmt!.queues[queue]!.provider;
    const source = { pages: this.rig.pages, provider };
    const pool = createPool(this.rig.pools, { ...PARAMS, queue }, source);
    return typeof pool === "number" ? pool : { pool };
  }

  memFree(mem: { pool: PagePool }): void {
    this.steps.push(`memFree ${mem.pool.number}`);
    this.rig.pools.destroy(mem.pool);
  }

  start(mem: { pool: PagePool }): number {
    this.steps.push(`start ${mem.pool.number}`);
    if (this.#fails(`start ${mem.pool.number}`)) return -5;
    this.active = mem;
    return 0;
  }

  stop(): { pool: PagePool } | number {
    this.steps.push(`stop ${this.active!.pool.number}`);
    if (this.#fails("stop")) return -110;
    return this.active!;
  }

  #fails(step: string): boolean {
    return this.fails.includes(step);
  }
}

function device(change: Partial<NetDevice> = {}): {
  rig: Rig;
  driver: Driver;
  mgmt: QueueMgmt<{ pool: PagePool }>;
} {
  const rig = new Rig("devmem", 64, { pages: 64 });
  const driver = new Driver(rig);
  const mgmt = new QueueMgmt({ ...DEVICE, ...change }, driver, (provider, queue) =>
    rig.pools.checkMemoryProvider(provider, queue),
  );
  driver.mgmt = mgmt;
  driver.active = driver.memAlloc(0) as { pool: PagePool };
  driver.steps.length = 0;
  return { rig, driver, mgmt };
}

const wanted = (rig: Rig, rxPageSize = 0) => ({ provider: rig.provider!, rxPageSize });

describe("netif_mp_open_rxq refuses, in this order,", () => {
  const cases: Array<[string, Partial<NetDevice>, Partial<RxQueueState>, number, number]> = [
    ["a device without the ops lock", { opsLock: false, tcpDataSplit: false }, {}, 9, -95],
    ["a queue that does not exist", { tcpDataSplit: false }, {}, 2, -34],
    ["without header split", { tcpDataSplit: false, hdsThresh: 1 }, {}, 0, -22],
    ["with a split threshold", { hdsThresh: 1, xdpAttached: true }, {}, 0, -22],
    ["with XDP", { xdpAttached: true, rxPageSizes: false }, {}, 0, -17],
    ["a page size the driver lacks", { rxPageSizes: false }, { xskPool: true }, 0, -95],
    ["an AF_XDP queue", {}, { xskPool: true }, 0, -16],
    ["a leased queue", {}, { leased: true }, 0, -16],
  ];
  test.each(cases)("%s", (_what, change, rxq, queue, errno) => {
    const { rig, driver, mgmt } = device(change);
    Object.assign(mgmt.queues[0]!, rxq);
    expect(mgmt.open(queue, wanted(rig, 8192))).toBe(errno);
    expect(driver.steps).toEqual([]);
    expect(mgmt.queues[0]!.provider).toBeNull();
  });

  test("a second provider, before AF_XDP is looked at", () => {
    const { rig, mgmt } = device();
    expect(mgmt.open(0, wanted(rig))).toBe(0);
    mgmt.queues[0]!.xskPool = true;
    expect(mgmt.open(0, wanted(rig))).toBe(-17);
    expect(mgmt.queues[0]!.provider).toBe(rig.provider);
  });

  test("a driver without queue ops", () => {
    const { rig } = device();
    const mgmt = new QueueMgmt(DEVICE, null, () => 0);
    expect(mgmt.open(0, wanted(rig))).toBe(-95);
    expect(mgmt.queues[0]!.provider).toBeNull();
  });
});

describe("a restart", () => {
  test("makes the new pool first, then stops, starts, and frees the old", () => {
    const { rig, driver, mgmt } = device();
    const old = driver.active!.pool;
    const n = rig.received(old);
    expect(mgmt.open(0, wanted(rig))).toBe(0);
    expect(driver.steps).toEqual(["memAlloc", "stop 1", "start 2", "memFree 1"]);
    expect(driver.active!.pool.provider).toBe(rig.provider);
    expect(rig.pools.zombies).toEqual([old]);
    rig.put(n);
    expect(old.ring.count).toBe(1);
  });

  test("of a closed device allocates and frees, and never starts or stops", () => {
    const { rig, driver, mgmt } = device({ running: false });
    expect(mgmt.open(0, wanted(rig))).toBe(0);
    expect(driver.steps).toEqual(["memAlloc", "memFree 2"]);
    expect(mgmt.queues[0]!.provider).toBe(rig.provider);
  });

  test.each([
    ["the allocation fails", ["memAlloc"], -12, ["memAlloc"], 1],
    ["the queue does not stop", ["stop"], -110, ["memAlloc", "stop 1", "memFree 2"], 1],
    [
      "the new one does not start",
      ["start 2"],
      -5,
      ["memAlloc", "stop 1", "start 2", "start 1", "memFree 2"],
      1,
    ],
  ])("keeps the old queue where %s", (_what, fails, errno, steps, active) => {
    const { rig, driver, mgmt } = device();
    driver.fails.push(...fails);
    expect(mgmt.open(0, wanted(rig))).toBe(errno);
    expect(driver.steps).toEqual(steps);
    expect(mgmt.queues[0]!.provider).toBeNull();
    expect(driver.active!.pool.number).toBe(active);
    expect(rig.binding!.refs).toBe(1);
  });

  test("frees both and warns where the old one does not start again either", () => {
    const { rig, driver, mgmt } = device();
    driver.fails.push("start 2", "start 1");
    expect(mgmt.open(0, wanted(rig))).toBe(-5);
    expect(driver.steps.slice(-2)).toEqual(["memFree 1", "memFree 2"]);
    expect(mgmt.warnings).toHaveLength(1);
  });

  test("is refused where the driver ignored the provider", () => {
    const { rig, driver, mgmt } = device();
    driver.ignoresProvider = true;
    expect(mgmt.open(0, wanted(rig))).toBe(-61);
    expect(driver.steps).toEqual(["memAlloc", "memFree 2"]);
  });
});

describe("netif_mp_close_rxq", () => {
  test("clears the provider and restarts the queue on pages", () => {
    const { rig, driver, mgmt } = device();
    mgmt.open(0, wanted(rig));
    mgmt.close(0, wanted(rig));
    expect(mgmt.queues[0]!.provider).toBeNull();
    expect(driver.active!.pool.provider).toBeNull();
    expect(rig.binding!.refs).toBe(1);
    expect(mgmt.warnings).toEqual([]);
  });

  test("by another provider changes nothing and warns", () => {
    const { rig, driver, mgmt } = device();
    mgmt.open(0, wanted(rig));
    const steps = driver.steps.length;
    mgmt.close(0, { provider: new Rig("zcrx", 8).provider!, rxPageSize: 0 });
    expect(mgmt.queues[0]!.provider).toBe(rig.provider);
    expect([driver.steps.length, mgmt.warnings.length]).toEqual([steps, 1]);
  });

  test("of a device that went restarts nothing, and is silent where mp_params were cleared", () => {
    const { rig, driver, mgmt } = device({ registered: false });
    mgmt.open(0, wanted(rig));
    rig.binding!.queues.add(0);
    mgmt.uninstall();
    expect([rig.binding!.queues.size, rig.binding!.deviceGone]).toEqual([0, true]);
    expect(mgmt.queues[0]!.provider).toBe(rig.provider);
    const steps = driver.steps.length;
    mgmt.close(0, wanted(rig));
    expect(mgmt.warnings).toEqual(["close of queue 0 of a freed device"]);
    mgmt.queues[0]!.provider = null;
    mgmt.close(0, wanted(rig));
    expect([mgmt.warnings.length, driver.steps.length]).toEqual([1, steps]);
  });

  test("queue-get shows what is installed", () => {
    const { rig, mgmt } = device();
    expect(mgmt.nlFill(0)).toEqual({});
    mgmt.open(0, wanted(rig));
    expect(mgmt.nlFill(0)).toEqual({ dmabuf: 7 });
  });
});
