import { describe, expect, test } from "vitest";
import { STAT_NAMES, sumStats } from "../../../src/engine/page-pool/pool-stats.js";
import fc from "../../support/property.js";
import { type Kind, Rig } from "./rig.js";
import { SlotRing } from "./slot-ring.js";

/** One object a netmem. */
interface Netmem {
  readonly n: number;
  refs: number;
}

/** page_pool as plain arrays of objects, straight from the description of its algorithms. */
class ModelPool {
  readonly cache: Netmem[] = [];
  readonly ring: SlotRing;
  readonly stats: Record<string, number> = Object.fromEntries(STAT_NAMES.map((name) => [name, 0]));
  inflight = 0;
  destroyed = false;

  constructor(
    readonly kind: Kind,
    readonly free: Netmem[],
    readonly all: Netmem[],
    ringSize: number,
  ) {
    this.ring = new SlotRing(ringSize);
  }

  alloc(): Netmem | undefined {
    const hit = this.cache.pop();
    if (hit !== undefined) {
      this.stats.allocFast!++;
      return hit;
    }
    if (this.ring.slots[this.ring.head] === null) {
      this.stats.allocEmpty!++;
      return this.slow();
    }
    while (this.cache.length < 64) {
      const n = this.ring.consume();
      if (n < 0) break;
      this.cache.push(this.all[n]!);
    }
    this.stats.allocRefill!++;
    return this.cache.pop();
  }

  slow(): Netmem | undefined {
    const bulk = this.kind === "devmem" ? 1 : 64;
    while (this.cache.length < bulk && this.free.length > 0) {
      this.cache.push(this.take());
      this.inflight++;
    }
    if (this.cache.length > 0 && this.kind === "page") this.stats.allocSlow!++;
    return this.cache.pop();
  }

  /** devmem: lowest address; page and zcrx: the one freed last. */
  take(): Netmem {
    if (this.kind !== "devmem") return this.free.pop()!;
    this.free.sort((a, b) => b.n - a.n);
    return this.free.pop()!;
  }

  put(netmem: Netmem, direct: boolean): void {
    if (direct && !this.destroyed) {
      if (this.cache.length < 128) {
        this.cache.push(netmem);
        this.stats.recycleCached!++;
        return;
      }
      this.stats.recycleCacheFull!++;
    }
    if (this.ring.produce(netmem.n)) this.stats.recycleRing!++;
    else {
      this.stats.recycleRingFull!++;
      this.release(netmem);
    }
  }

  release(netmem: Netmem): void {
    this.inflight--;
    this.free.push(netmem);
  }

  scrub(): void {
    while (!this.destroyed && this.cache.length > 0) this.release(this.cache.pop()!);
    this.destroyed = true;
    for (let n = this.ring.consume(); n >= 0; n = this.ring.consume()) this.release(this.all[n]!);
  }
}

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ alloc: fc.integer({ min: 1, max: 90 }) }) },
  { weight: 3, arbitrary: fc.record({ put: fc.nat(), napi: fc.boolean(), count: fc.nat(90) }) },
  { weight: 1, arbitrary: fc.record({ share: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ direct: fc.nat(), count: fc.nat(90) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

describe.each(["page", "devmem", "zcrx"] as const)("a %s pool", (kind) => {
  test("does what a pool of objects does, through destroy", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(operation, { maxLength: 60 }),
        (netmems, ringSize, operations) => replay(kind, netmems, ringSize, operations),
      ),
      { numRuns: 150 },
    );
  });
});

function replay(kind: Kind, netmems: number, ringSize: number, operations: Operation[]): void {
  const rig = new Rig(kind, netmems);
  const pool = rig.pool({ poolSize: ringSize });
  const all: Netmem[] = Array.from({ length: netmems }, (_, n) => ({ n, refs: 0 }));
  const free = kind === "page" ? [...all].reverse() : [...all];
  const model = new ModelPool(kind, free, all, ringSize);
  const driver: Netmem[] = [];
  const stack: Netmem[] = [];
  for (const op of operations) {
    if ("alloc" in op) {
      for (let i = 0; i < op.alloc; i++) {
        const got = model.alloc();
        expect(rig.napi(0, () => pool.alloc())).toBe(got?.n ?? -1);
        if (got !== undefined) driver.push(got);
      }
    } else if ("share" in op) {
      const netmem = stack[op.share % (stack.length || 1)];
      if (netmem === undefined) continue;
      netmem.refs++;
      rig.ledger.skbGet(netmem.n);
      stack.push(netmem);
    } else if ("direct" in op) {
      for (let i = 0; i < op.count && driver.length > 0; i++) {
        const netmem = driver.splice(op.direct % driver.length, 1)[0]!;
        rig.napi(0, () => pool.recycleDirect(netmem.n));
        model.put(netmem, true);
      }
    } else {
      for (let i = 0; i < op.count; i++) {
        const fresh = driver.pop();
        if (fresh !== undefined) {
          rig.ledger.driverToSkb(fresh.n);
          fresh.refs = 1;
          stack.push(fresh);
        }
        if (stack.length === 0) continue;
        const netmem = stack.splice(op.put % stack.length, 1)[0]!;
        rig.napi(op.napi ? 0 : -1, () => rig.put(netmem.n));
        if (--netmem.refs === 0) model.put(netmem, op.napi);
      }
    }
    expect(sumStats([pool])).toEqual(model.stats);
    expect(pool.inflight).toBe(model.inflight);
    rig.pools.audit();
  }
  rig.pools.destroy(pool);
  model.scrub();
  for (const netmem of driver) {
    pool.putNetmem(netmem.n);
    model.put(netmem, false);
  }
  for (const netmem of stack) {
    rig.put(netmem.n);
    if (--netmem.refs === 0) model.put(netmem, false);
  }
  rig.clock.nowNs = 1e9;
  rig.pools.retryRelease();
  model.scrub();
  expect(sumStats([pool])).toEqual(model.stats);
  expect([pool.inflight, pool.freed, model.inflight]).toEqual([0, true, 0]);
  expect(rig.pools.zombies).toEqual([]);
  rig.pools.audit();
}
