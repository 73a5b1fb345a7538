import type { Application, ApplicationPlan } from "../../../src/engine/app/application.js";
import { RecvmsgCopy } from "../../../src/engine/app/recvmsg-copy.js";
import { RecvmsgDevmem } from "../../../src/engine/app/recvmsg-devmem.js";
import type { ApplicationDeps } from "../../../src/engine/app/skb-copier.js";
import { ZcrxConsumer } from "../../../src/engine/app/zcrx-consumer.js";
import { type Costs, DEFAULT_COSTS } from "../../../src/engine/clock/costs.js";
import { Arena } from "../../../src/engine/memory/arena.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import {
  FR_STAMP_NS,
  FR_TIMES,
  SK_FRAG_TAIL,
  SK_LEN,
  SK_WORDS,
  SKF_UNREADABLE,
  SkbSlab,
} from "../../../src/engine/skb/skb-slab.js";
import { type Kind, Rig } from "../page-pool/rig.js";
import { FakeTcp } from "./fake-tcp.js";

const AREA = 65536;
const USER_BYTES = 10000;

/** One segment: payload by frag, each in a page of its own or in a niov of the provider. */
export interface Segment {
  readonly sock: number;
  /** First stream byte; what precedes the bytes already queued overlaps. */
  readonly at: number;
  readonly frags: ReadonlyArray<{ readonly len: number; readonly page: boolean }>;
  readonly flags: number;
  /** When it becomes readable; now, if not given. */
  readonly readableNs?: number;
}

/** The byte of a stream at an offset. */
export function streamByte(sock: number, at: number): number {
  return (at * 7 + (at >>> 8) + sock * 13) & 255;
}

/** A receive path without driver and TCP: pools, skbs, one application, a sink that keeps bytes. */
export class AppRig {
  readonly arena: Arena;
  readonly rig: Rig;
  readonly slab: SkbSlab;
  readonly tcp: FakeTcp;
  readonly app: Application;
  readonly payload: PagePool;
  readonly headers: PagePool;
  readonly got: number[][] = [];
  readonly isn: number;

  constructor(
    kind: Kind,
    plan: Partial<ApplicationPlan> = {},
    options: {
      netmems?: number;
      pages?: number;
      sockets?: number;
      isn?: number;
      costs?: Costs;
      entries?: number;
      cqEntries?: number;
    } = {},
  ) {
    const netmems = options.netmems ?? 256;
    const pages = options.pages ?? 256;
    this.isn = options.isn ?? 0;
    const userStart = AREA + (netmems + pages) * 4096;
    this.arena = new Arena(userStart + USER_BYTES);
    this.rig = new Rig(kind, netmems, { pages, areaStart: AREA, entries: options.entries ?? 256 });
    const { rig } = this;
    this.payload = rig.pool();
    this.headers = kind === "page" ? this.payload : rig.pool({ flags: 3 });
    const deps = { ledger: rig.ledger, back: rig.pools, clock: rig.clock };
    this.slab = new SkbSlab({ skbs: 2000, frags: 8000 }, deps);
    const sockets = options.sockets ?? 4;
    this.tcp = new FakeTcp(this.slab, this.isn, sockets);
    for (let i = 0; i < sockets; i++) this.got.push([]);
    this.app = this.#application(kind, plan, { ...options, userStart });
  }

  #application(
    kind: Kind,
    plan: Partial<ApplicationPlan>,
    options: { costs?: Costs; cqEntries?: number; userStart: number },
  ): Application {
    const { rig } = this;
    const whole = {
      readDelayNs: 0,
      readSizeBytes: 65536,
      holdNs: 0,
      batch: 1,
      threads: 2,
      ...plan,
    };
    const deps: ApplicationDeps = {
      tcp: this.tcp,
      slab: this.slab,
      arena: this.arena,
      clock: rig.clock,
      cpu: rig.cpu,
      costs: options.costs ?? DEFAULT_COSTS,
      stages: rig.stages,
      sink: { deliver: (sock, addr, len) => this.#deliver(sock, addr, len) },
      userStart: options.userStart,
      userBytes: USER_BYTES,
      providerQueues: Uint8Array.of(1, 1, 0),
    };
    const { ledger, table, pools } = rig;
    if (kind === "page") return new RecvmsgCopy(whole, deps);
    if (kind === "devmem") {
      const { areaNetmems } = table;
      return new RecvmsgDevmem(whole, { ...deps, ledger, back: pools, areaNetmems });
    }
    const cqEntries = options.cqEntries ?? 0;
    return new ZcrxConsumer(whole, { ...deps, ledger, table, ifqs: [rig.ifq!], cqEntries });
  }

  /** Queues a segment and tells the application; false when a netmem was lacking. */
  receive(segment: Segment, queue = 0): boolean {
    const { rig, slab } = this;
    const { sock, frags, flags } = segment;
    const skb = slab.allocSkb();
    let at = segment.at;
    let len = 0;
    let unreadable = 0;
    for (const frag of frags) {
      const pool = frag.page ? this.headers : this.payload;
      const n = rig.napi(0, () => pool.alloc());
      if (n < 0) {
        slab.free(skb);
        return false;
      }
      if (rig.table.isNetIov(n)) unreadable = SKF_UNREADABLE;
      const addr = rig.table.addressOf(n) + (4096 - frag.len);
      for (let i = 0; i < frag.len; i++) this.arena.bytes[addr + i] = streamByte(sock, at++);
      rig.ledger.driverToSkb(n);
      slab.arrivalNs = rig.clock.nowNs;
      slab.addFrag(skb, n, addr, frag.len);
      const tail = slab.skbs[skb * SK_WORDS + SK_FRAG_TAIL]!;
      slab.fragTimes[tail * FR_TIMES + FR_STAMP_NS] = segment.readableNs ?? rig.clock.nowNs;
      len += frag.len;
    }
    slab.skbs[skb * SK_WORDS + SK_LEN] = len;
    const syn = flags & 2 ? 1 : 0;
    rig.cpu.spentNs = 0;
    const idle = this.tcp.head(sock) < 0;
    this.tcp.queue(sock, skb, (this.isn + segment.at - syn) | 0, flags | unreadable, queue);
    if (idle) this.app.dataReady(sock, queue);
    return true;
  }

  /** Runs the application until model time `untilNs` or until it waits for data. */
  run(untilNs = Number.POSITIVE_INFINITY): void {
    const { clock } = this.rig;
    for (let steps = 0; this.app.nextNs <= untilNs && this.app.nextNs < 1e15; steps++) {
      if (this.app.nextNs > clock.nowNs) clock.nowNs = this.app.nextNs;
      this.runOnce();
      if (steps > 100_000) throw new Error("the application does not come to rest");
    }
    if (untilNs < 1e15) clock.nowNs = Math.max(clock.nowNs, untilNs);
  }

  /** One step of the application: nothing may follow it before the host asks again. */
  runOnce(): void {
    this.rig.clock.horizonNs = Number.NEGATIVE_INFINITY;
    this.app.run();
  }

  /** Orderly end: everything read, given back, and every pool freed. */
  finish(): void {
    const { rig } = this;
    for (let round = 0; round < 8; round++) {
      this.run();
      this.app.giveBackAll();
    }
    for (let sock = 0; sock < this.tcp.sockets; sock++) {
      this.tcp.close(sock);
      this.app.releaseUserFrags(sock);
    }
    rig.ifq?.terminate(() => {});
    rig.pools.destroy(this.payload);
    if (this.headers !== this.payload) rig.pools.destroy(this.headers);
    rig.clock.nowNs = rig.pools.nextRetryNs < 1e15 ? rig.pools.nextRetryNs : rig.clock.nowNs;
    rig.pools.retryRelease();
    rig.pools.audit();
  }

  #deliver(sock: number, addr: number, len: number): void {
    for (let i = 0; i < len; i++) this.got[sock]!.push(this.arena.bytes[addr + i]!);
  }
}
