import { describe, expect, test } from "vitest";
import { dontneed, releaseUserFrags, TokenRanges } from "../../../src/engine/app/dontneed.js";
import { UserFrags } from "../../../src/engine/app/user-frags.js";
import { D2 } from "../../../src/engine/netmem/state.js";
import fc from "../../support/property.js";
import { Rig } from "../page-pool/rig.js";

test("tokens are an xarray from 1 whose lowest free index is taken first", () => {
  const operation = fc.record({
    sock: fc.integer({ min: 0, max: 5000 }).map((n) => (n % 3 === 0 ? 0 : n)),
    take: fc.nat(50),
    erase: fc.array(fc.integer({ min: -2, max: 200 }), { maxLength: 30 }),
    destroy: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const frags = new UserFrags();
      const model = new Map<number, Map<number, number>>();
      let netmem = 0;
      for (const { sock, take, erase, destroy } of operations) {
        const tokens = model.get(sock) ?? new Map<number, number>();
        model.set(sock, tokens);
        for (let i = 0; i < take; i++, netmem++) {
          let free = 1;
          while (tokens.has(free)) free++;
          tokens.set(free, netmem);
          expect(frags.take(sock, netmem)).toBe(free);
        }
        for (const token of erase) {
          expect(frags.erase(sock, token)).toBe(tokens.get(token) ?? -1);
          tokens.delete(token);
        }
        expect(frags.count(sock)).toBe(tokens.size);
        expect(frags.lowest(sock)).toBe(tokens.size === 0 ? -1 : Math.min(...tokens.keys()));
        if (destroy && tokens.size === 0) frags.destroy(sock);
      }
    }),
    { numRuns: 200 },
  );
});

/** A rig whose socket 3 holds `count` tokens, and nobody else the netmems. */
function held(count: number): { rig: Rig; frags: UserFrags; netmems: number[] } {
  const rig = new Rig("devmem", 2000, { mode: "count" });
  const pool = rig.pool({ poolSize: 4096 });
  const frags = new UserFrags();
  const netmems = Array.from({ length: count }, () => {
    const n = rig.received(pool);
    frags.take(3, n);
    rig.ledger.userGet(n, D2);
    rig.put(n);
    return n;
  });
  return { rig, frags, netmems };
}

function give(rig: Rig, frags: UserFrags, sock: number, ranges: Array<[number, number]>): number {
  return dontneed(frags, rig.ledger, rig.pools, sock, {
    starts: Uint32Array.from(ranges.map(([start]) => start)),
    counts: Uint32Array.from(ranges.map(([, count]) => count)),
    length: ranges.length,
  });
}

describe("SO_DEVMEM_DONTNEED", () => {
  test("frees what it finds and says how many; missing and foreign tokens are skipped", () => {
    const { rig, frags } = held(10);
    expect(give(rig, frags, 4, [[1, 5]])).toBe(0);
    expect(
      give(rig, frags, 3, [
        [3, 2],
        [4, 4],
        [100, 3],
      ]),
    ).toBe(5);
    expect(give(rig, frags, 3, [[1, 10]])).toBe(5);
    expect(frags.count(3)).toBe(0);
    rig.pools.audit();
  });

  test("looks at 1024 frags at most, found or not", () => {
    const { rig, frags } = held(20);
    expect(give(rig, frags, 3, [[11, 0xffffffff]])).toBe(10);
    expect(
      give(rig, frags, 3, [
        [5000, 1020],
        [1, 10],
      ]),
    ).toBe(4);
  });

  test("refuses more than 128 ranges", () => {
    const { rig, frags } = held(1);
    const ranges = Array.from({ length: 129 }, (): [number, number] => [1, 1]);
    expect(give(rig, frags, 3, ranges)).toBe(-22);
    expect(give(rig, frags, 3, ranges.slice(1))).toBe(1);
  });

  test("returns in ascending order, and a freed number is used again at once", () => {
    const { rig, frags, netmems } = held(8);
    const pool = rig.pools.pools[1]!;
    give(rig, frags, 3, [[2, 3]]);
    const order: number[] = [];
    pool.ring.walk((n) => order.push(n));
    expect(order).toEqual(netmems.slice(1, 4));
    expect(frags.take(3, 99)).toBe(2);
  });
});

test("a socket's destroy puts every token, lowest first, once", () => {
  const { rig, frags, netmems } = held(70);
  const pool = rig.pools.pools[1]!;
  give(rig, frags, 3, [[1, 1]]);
  releaseUserFrags(frags, rig.ledger, rig.pools, 3);
  releaseUserFrags(frags, rig.ledger, rig.pools, 3);
  releaseUserFrags(frags, rig.ledger, rig.pools, 4000);
  const order: number[] = [];
  pool.ring.walk((n) => order.push(n));
  expect(order).toEqual(netmems);
  rig.pools.audit();
});

test("ranges join what follows, up to what one call takes", () => {
  const ranges = new TokenRanges();
  for (const token of [5, 6, 7, 3, 4, 9]) expect(ranges.add(token)).toBe(true);
  expect([...ranges.starts.slice(0, 3), ...ranges.counts.slice(0, 3)]).toEqual([5, 3, 9, 3, 2, 1]);
  ranges.clear();
  for (let i = 0; i < 128; i++) expect(ranges.add(i * 2 + 1)).toBe(true);
  expect([ranges.add(1000), ranges.add(256)]).toEqual([false, true]);
  ranges.clear();
  for (let i = 0; i < 1024; i++) expect(ranges.add(i + 1)).toBe(true);
  expect(ranges.add(1025)).toBe(false);
});
