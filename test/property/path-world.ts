import { expect } from "vitest";
import { dontneed, releaseUserFrags } from "../../src/engine/app/dontneed.js";
import { UserFrags } from "../../src/engine/app/user-frags.js";
import {
  NM_DRIVER,
  NM_PP_REF,
  NM_SKB,
  NM_USER,
  NM_WORDS,
} from "../../src/engine/netmem/netmem-table.js";
import { D2, Z2 } from "../../src/engine/netmem/state.js";
import type { PagePool } from "../../src/engine/page-pool/page-pool.js";
import { sumStats } from "../../src/engine/page-pool/pool-stats.js";
import { type Kind, Rig } from "../engine/page-pool/rig.js";

/** Sockets of a world. */
const SOCKETS = 3;
const MAX_POOLS = 3;

/** What the reference knows of a netmem that is neither in a pool nor free. */
interface Out {
  /** Number of the pool that counts it, 0 for a copy fallback. */
  readonly pool: number;
  driver: number;
  /** Frags, by the socket whose queue they are in. */
  readonly frags: number[];
  user: number;
}

/** The names of the operations; every one is legal at any time, and may find nothing to do. */
export type PathOp = keyof typeof OPS;

/**
 * Pool, provider and sockets of one kind, and beside them a reference that knows only who holds how
 * many references. It does not say which netmem comes next, but everything that must add up:
 *
 *      pp_ref_count == driver + frags + user           of every netmem that is out
 *      inflight == alloc cache + ring + out            of every pool
 *      free + inflight + outside == all                of the provider
 *      ring + ring_full + cached + released == puts    of all pools
 */
export class PathWorld {
  readonly rig: Rig;
  readonly #kind: Kind;
  readonly #netmems: number;
  readonly #frags = new UserFrags();
  readonly #tokens = Array.from({ length: SOCKETS }, () => new Map<number, number>());
  readonly #out = new Map<number, Out>();
  readonly #live: PagePool[] = [];
  /** Refill entries not consumed yet: netmem, or -1 for one that names none. */
  readonly #posted: number[] = [];
  #lastPuts = 0;
  #dead = 0;
  readonly #ring: number;

  /** A world whose pools have rings of `ring` entries; it begins with one pool. */
  constructor(kind: Kind, netmems: number, ring: number) {
    this.rig = new Rig(kind, netmems, { entries: 64, mode: "count" });
    this.#kind = kind;
    this.#netmems = netmems;
    this.#ring = ring;
    this.newPool();
  }

  /** Does one operation, and checks that everything still adds up. */
  apply(op: PathOp, pick: number): void {
    OPS[op](this, pick);
    this.check();
  }

  newPool(): void {
    if (this.#live.length < MAX_POOLS) this.#live.push(this.rig.pool({ poolSize: this.#ring }));
  }

  alloc(pick: number, most: number): void {
    const pool = this.#live[pick % this.#live.length];
    if (pool === undefined) return;
    for (let i = 0; i < most; i++) {
      const pending = this.rig.ifq?.ring.pending ?? 0;
      const n = this.rig.napi(0, () => pool.alloc());
      this.#consumed(pending - (this.rig.ifq?.ring.pending ?? 0), pool.number, true);
      if (n < 0) return;
      expect(this.#out.has(n)).toBe(false);
      this.#out.set(n, { pool: pool.number, driver: 1, frags: [], user: 0 });
    }
  }

  /** The driver drops a netmem: in its NAPI, or in some other context. */
  drop(pick: number, napi: boolean): void {
    const n = this.#pick(pick, (out) => out.driver > 0);
    if (n < 0) return;
    const pool = this.rig.pools.pools[this.#out.get(n)!.pool]!;
    this.#out.get(n)!.driver = 0;
    if (napi) this.rig.napi(0, () => pool.recycleDirect(n));
    else pool.putNetmem(n);
    this.#settled(n);
  }

  deliver(pick: number): void {
    const n = this.#pick(pick, (out) => out.driver > 0);
    if (n < 0) return;
    this.rig.ledger.driverToSkb(n);
    const out = this.#out.get(n)!;
    out.driver--;
    out.frags.push(pick % SOCKETS);
  }

  share(pick: number): void {
    const n = this.#pick(pick, (out) => out.frags.length > 0);
    if (n < 0) return;
    this.rig.ledger.skbGet(n);
    this.#out.get(n)!.frags.push((pick >> 2) % SOCKETS);
  }

  /** The application reads a frag: a token, or a user reference; copies take none. */
  read(pick: number): void {
    const n = this.#pick(pick, (out) => out.frags.length > 0);
    if (n < 0 || this.#kind === "page") return;
    const out = this.#out.get(n)!;
    const sock = out.frags[0]!;
    this.rig.ledger.userGet(n, this.#kind === "devmem" ? D2 : Z2);
    out.user++;
    if (this.#kind !== "devmem") return;
    const tokens = this.#tokens[sock]!;
    let lowest = 1;
    while (tokens.has(lowest)) lowest++;
    expect(this.#frags.take(sock, n)).toBe(lowest);
    tokens.set(lowest, n);
  }

  /** A frag is eaten or dropped by the stack. */
  eat(pick: number, napi: boolean): void {
    const n = this.#pick(pick, (out) => out.frags.length > 0);
    if (n < 0) return;
    this.#out.get(n)!.frags.shift();
    this.rig.napi(napi ? 0 : -1, () => this.rig.put(n));
    this.#settled(n);
  }

  /** SO_DEVMEM_DONTNEED of `count` tokens from `start`, in use or not; or refill entries. */
  giveBack(pick: number): void {
    if (this.#kind === "devmem") this.#dontneed(pick % SOCKETS, 1 + (pick >> 2), 1 + (pick % 5));
    if (this.#kind === "zcrx")
      this.#post(
        this.#pick(pick, (out) => out.user > 0),
        pick,
      );
  }

  /** What no application should do: a token twice, an entry that names nothing or nobody's niov. */
  misuse(pick: number): void {
    if (this.#kind === "devmem") {
      this.#dontneed(pick % SOCKETS, pick * 7, 3);
      this.#dontneed(pick % SOCKETS, pick * 7, 3);
    }
    if (this.#kind === "zcrx") this.#post(pick % 3 === 0 ? -1 : pick % this.#netmems, pick);
  }

  closeSocket(pick: number): void {
    const sock = pick % SOCKETS;
    for (const [n, out] of [...this.#out]) {
      while (out.frags.includes(sock)) {
        out.frags.splice(out.frags.indexOf(sock), 1);
        this.rig.put(n);
        this.#settled(n);
      }
    }
    if (this.#kind !== "devmem") return;
    releaseUserFrags(this.#frags, this.rig.ledger, this.rig.pools, sock);
    for (const n of this.#tokens[sock]!.values()) this.#userPut(n, 1);
    this.#tokens[sock]!.clear();
  }

  fallback(): void {
    const n = this.rig.ifq?.allocFallback(100) ?? -1;
    if (n < 0) return;
    expect(this.#out.has(n)).toBe(false);
    this.#out.set(n, { pool: 0, driver: 0, frags: [], user: 1 });
  }

  flush(): void {
    const { ifq } = this.rig;
    if (ifq === null) return;
    const { pending } = ifq.ring;
    ifq.flushRq();
    this.#consumed(pending - ifq.ring.pending, -1, false);
  }

  scrub(): void {
    this.rig.ifq?.scrub();
    if (this.#kind !== "zcrx") return;
    for (const [n, out] of [...this.#out]) if (out.user > 0) this.#userPut(n, out.user);
  }

  /** Somebody else takes a reference on a page that is out: it will not be recycled. */
  raise(pick: number): void {
    if (this.#kind !== "page") return;
    const n = this.#pick(pick, () => true);
    if (n >= 0) this.rig.table.pageRefs[n] = 2;
  }

  destroyPool(pick: number): void {
    const at = pick % this.#live.length;
    const pool = this.#live[at];
    if (pool === undefined) return;
    this.#live.splice(at, 1);
    for (const [n, out] of [...this.#out]) {
      if (out.pool !== pool.number || out.driver === 0) continue;
      out.driver = 0;
      pool.putNetmem(n);
      this.#settled(n);
    }
    this.rig.pools.destroy(pool);
  }

  retry(): void {
    this.rig.clock.nowNs += 1e9;
    this.rig.pools.retryRelease();
  }

  audit(): void {
    this.rig.pools.audit();
  }

  /** Orderly end: nothing may be left anywhere. */
  finish(): void {
    for (let sock = 0; sock < SOCKETS; sock++) this.closeSocket(sock);
    this.scrub();
    while (this.#live.length > 0) this.destroyPool(0);
    this.retry();
    this.retry();
    this.check();
    this.audit();
    expect(this.#out.size).toBe(0);
    expect(this.rig.pools.zombies).toEqual([]);
    expect(this.#free).toBe(this.#netmems - this.#dead);
  }

  /** Everything that must add up, after each operation. */
  check(): void {
    const { words } = this.rig.table;
    const outOf = new Map<number, number>();
    for (const [n, { pool, driver, frags, user }] of this.#out) {
      const at = n * NM_WORDS;
      outOf.set(pool, (outOf.get(pool) ?? 0) + 1);
      const refs = driver + frags.length + user;
      const same =
        words[at + NM_PP_REF] === refs &&
        words[at + NM_DRIVER] === driver &&
        words[at + NM_SKB] === frags.length &&
        words[at + NM_USER] === user;
      if (!same) throw new Error(`netmem ${n}: ${this.rig.ledger.describe(n)}, not ${refs}`);
    }
    let inflight = 0;
    for (const pool of this.#pools) {
      const { cacheCount, ring, number } = pool;
      const held = cacheCount + ring.count + (outOf.get(number) ?? 0);
      if (pool.inflight !== held) throw new Error(`pool ${number}: ${pool.inflight}, not ${held}`);
      inflight += held;
    }
    const sum = this.#free + inflight + (outOf.get(0) ?? 0) + this.#dead;
    if (sum !== this.#netmems) throw new Error(`${sum} netmems of ${this.#netmems}`);
    const stats = sumStats(this.#pools);
    const [cached, ring, full, released] = STAT_CELLS.map((name) => Number(stats[name]));
    const puts = cached! + ring! + full! + released!;
    if (puts !== this.#lastPuts) throw new Error(`${puts} last puts, not ${this.#lastPuts}`);
  }

  get #pools(): PagePool[] {
    return this.rig.pools.pools.filter((pool) => pool !== null);
  }

  get #free(): number {
    return this.#kind === "page" ? this.rig.pages.freeCount : this.rig.provider!.freeCount;
  }

  #pick(pick: number, fits: (out: Out) => boolean): number {
    const fitting = [...this.#out].filter(([, out]) => fits(out));
    return fitting[pick % fitting.length]?.[0] ?? -1;
  }

  /** A netmem without references is out no more; its pool has counted one last put. */
  #settled(n: number): void {
    const out = this.#out.get(n)!;
    if (out.driver + out.frags.length + out.user > 0) return;
    this.#out.delete(n);
    if (out.pool > 0) this.#lastPuts++;
    if (this.#kind !== "page" || !this.#isDead(n)) return;
    this.#dead++;
  }

  #isDead(n: number): boolean {
    return this.rig.ledger.describe(n).includes("DEAD");
  }

  #userPut(n: number, nr: number): void {
    this.#out.get(n)!.user -= nr;
    this.#settled(n);
  }

  #dontneed(sock: number, start: number, count: number): void {
    const ranges = { starts: Uint32Array.of(start), counts: Uint32Array.of(count), length: 1 };
    const freed = dontneed(this.#frags, this.rig.ledger, this.rig.pools, sock, ranges);
    let expected = 0;
    for (let token = start; token < start + count; token++) {
      const n = this.#tokens[sock]!.get(token);
      if (n === undefined) continue;
      this.#tokens[sock]!.delete(token);
      this.#userPut(n, 1);
      expected++;
    }
    expect(freed).toBe(expected);
  }

  /** Posts an entry for a niov, -1 for one with an index beyond the area. */
  #post(n: number, pick: number): void {
    const { ring } = this.rig.ifq!;
    const entry = ring.post((n < 0 ? this.#netmems + pick : n) * 4096 + (pick % 4096), 0, 64);
    if (entry < 0) return;
    ring.publish();
    this.#posted.push(n);
  }

  /**
   * The kernel consumed entries: in runs of one niov for a refill, which malformed entries between
   * them do not part; one by one for FLUSH_RQ.
   */
  #consumed(count: number, pool: number, runs: boolean): void {
    const entries = this.#posted.splice(0, count).filter((n) => n >= 0);
    for (let i = 0; i < entries.length; ) {
      const n = entries[i]!;
      let nr = 1;
      while (runs && entries[i + nr] === n) nr++;
      i += nr;
      const out = this.#out.get(n);
      if (out === undefined || out.user < nr) continue;
      out.user -= nr;
      const last = out.driver + out.frags.length + out.user === 0;
      // A niov of the refilling pool goes to its cache past all recycle statistics (Z4).
      if (last && out.pool === pool) this.#out.delete(n);
      else this.#settled(n);
    }
  }
}

const STAT_CELLS = [
  "recycleCached",
  "recycleRing",
  "recycleRingFull",
  "recycleReleasedRefcnt",
] as const;

/** The operations by name. */
export const OPS = {
  alloc: (world: PathWorld, pick: number) => world.alloc(pick, 1),
  burst: (world: PathWorld, pick: number) => world.alloc(pick, 1 + (pick % 80)),
  drop: (world: PathWorld, pick: number) => world.drop(pick, true),
  dropElsewhere: (world: PathWorld, pick: number) => world.drop(pick, false),
  deliver: (world: PathWorld, pick: number) => world.deliver(pick),
  share: (world: PathWorld, pick: number) => world.share(pick),
  read: (world: PathWorld, pick: number) => world.read(pick),
  eat: (world: PathWorld, pick: number) => world.eat(pick, false),
  eatInNapi: (world: PathWorld, pick: number) => world.eat(pick, true),
  giveBack: (world: PathWorld, pick: number) => world.giveBack(pick),
  misuse: (world: PathWorld, pick: number) => world.misuse(pick),
  closeSocket: (world: PathWorld, pick: number) => world.closeSocket(pick),
  fallback: (world: PathWorld) => world.fallback(),
  flush: (world: PathWorld) => world.flush(),
  scrub: (world: PathWorld) => world.scrub(),
  raise: (world: PathWorld, pick: number) => world.raise(pick),
  newPool: (world: PathWorld) => world.newPool(),
  destroyPool: (world: PathWorld, pick: number) => world.destroyPool(pick),
  retry: (world: PathWorld) => world.retry(),
  audit: (world: PathWorld) => world.audit(),
} as const;
