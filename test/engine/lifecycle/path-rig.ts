import { Conversation, noise } from "../../../fixtures/conversation.js";
import { ethernet } from "../../../fixtures/frames.js";
import type { ZcrxConsumer } from "../../../src/engine/app/zcrx-consumer.js";
import { COST_TABLES } from "../../../src/engine/clock/costs.js";
import type { DriverName } from "../../../src/engine/driver/profile.js";
import { KERNEL_PROFILES, type KernelProfile } from "../../../src/engine/kernel/profile.js";
import { layOut, type PathLayout } from "../../../src/engine/layout.js";
import type { DevmemControl } from "../../../src/engine/lifecycle/devmem-control.js";
import type { Lifecycle } from "../../../src/engine/lifecycle/lifecycle.js";
import type { Holders, PoolView } from "../../../src/engine/lifecycle/survivors.js";
import type { ZcrxControl } from "../../../src/engine/lifecycle/zcrx-control.js";
import { Arena } from "../../../src/engine/memory/arena.js";
import type { ProviderKind, ReceiveOptions } from "../../../src/engine/receive-options.js";
import { ReceivePath } from "../../../src/engine/receive-path.js";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";

/** Bytes of each segment that a rig sends: each takes one netmem of its own. */
export const SEGMENT = 4000;
/** Model time between two frames: longer than any of them takes to be read. */
export const GAP_NS = 1_000_000;
const NETMEMS = 256;
const PAGES = 1024;
const WINDOW = 1 << 16;

/** What a path rig is made of. */
export interface PathOptions {
  provider: ProviderKind;
  driver?: DriverName;
  kernel?: string | KernelProfile;
  queues?: number;
  netmems?: number;
  /** Areas that processes after the first can register. */
  spareAreas?: number;
  /** The application reads so late, and holds what it read so long. */
  readDelayNs?: number;
  holdNs?: number;
  ring?: number;
}

/** A layout with few spare pages: those of a real run would be most of the work of building it. */
function lessPages(whole: PathLayout): PathLayout {
  const pages = Math.min(whole.pages, PAGES);
  const less = (whole.pages - pages) * 4096;
  return {
    ...whole,
    pages,
    userStart: whole.userStart - less,
    scratchStart: whole.scratchStart - less,
    headsStart: whole.headsStart - less,
    end: whole.end - less,
  };
}

/** A whole receive path with a client that sends segment after segment to one server socket. */
export class PathRig {
  readonly path: ReceivePath;
  readonly life: Lifecycle;
  readonly #arena: Arena;
  readonly #batch = new PacketBatch(1);
  #talk: Conversation;
  #sport = 40000;

  constructor(options: PathOptions) {
    const { provider, kernel = "7.3", queues = 1, spareAreas = 0 } = options;
    const areaBytes = (options.netmems ?? NETMEMS) * 4096;
    const { driver = "fbnic" } = options;
    // Sixteen buffers in each ring.
    const { ring = driver === "fbnic" ? 64 : 16 } = options;
    const size = {
      driver,
      pages: provider === "page",
      queues,
      ring,
      areaBytes: areaBytes * (1 + spareAreas),
      readSizeBytes: 65536,
    };
    const layout = lessPages(layOut(WINDOW, size));
    this.#arena = new Arena(layout.end);
    const receive: ReceiveOptions = {
      provider,
      driver,
      kernel: typeof kernel === "string" ? KERNEL_PROFILES[kernel]! : kernel,
      queues,
      ring,
      budget: 64,
      areaBytes,
      netmemBytes: 4096,
      split: { mode: "on", failEvery: 0 },
      steer: "all",
      rxUsecs: 0,
      rxFrames: 1,
      readDelayNs: options.readDelayNs ?? 0,
      readSizeBytes: 65536,
      holdNs: options.holdNs ?? 1e15,
      batch: 1,
      rcvbuf: "capture",
      verifyChecksums: false,
      topspeed: false,
      costs: COST_TABLES.free!,
      seed: 1,
      leaks: "trace",
      intervalNs: null,
    };
    const place = { arena: this.#arena, layout, sink: null };
    this.path = new ReceivePath(receive, place, null);
    this.life = this.path.lifecycle;
    this.#talk = new Conversation();
    this.connect();
  }

  /** A new connection, the one that is sent on from now on. */
  connect(): this {
    this.#talk = new Conversation({ sport: this.#sport++ }).open();
    return this.#ingest();
  }

  /** The client sends `count` segments; by default all that is due then happens. */
  send(count: number): this {
    for (let i = 0; i < count; i++) this.#talk.send("client", noise(SEGMENT, i));
    return this.#ingest();
  }

  /** A segment that leaves a gap before it: out of order until the end. */
  sendAhead(count: number): this {
    for (let i = 0; i < count; i++) {
      this.#talk.advance("client", SEGMENT);
      this.#talk.send("client", noise(SEGMENT, i));
    }
    return this.#ingest();
  }

  /** A RECV_ZC request that is in flight on every socket takes what is there (zcrx). */
  inFlight(): void {
    const app = this.path.app as ZcrxConsumer;
    for (let sock = 0; sock < this.path.tcp.sockets; sock++) app.issueInFlight(sock);
  }

  /** Lets `ns` of model time pass. */
  pass(ns: number): this {
    this.path.runTo(this.path.clock.nowNs + ns);
    return this;
  }

  /** The server's socket: the one that receives what the client sends. */
  get sock(): number {
    const { tcp } = this.path;
    for (let sock = tcp.sockets - 1; sock >= 0; sock--) {
      if (tcp.streamOf(sock).bytes > 0 || tcp.head(sock) >= 0) return sock;
    }
    return tcp.sockets - 1;
  }

  get devmem(): DevmemControl {
    return this.path.binding.control as DevmemControl;
  }

  get zcrx(): ZcrxControl {
    return this.path.binding.control as ZcrxControl;
  }

  /** Netmems that anybody holds, summed over all pools. */
  holders(): Holders {
    const sum: Record<string, number> = {};
    for (const pool of this.life.pools()) {
      for (const [owner, count] of Object.entries(pool.holders)) {
        sum[owner] = (sum[owner] ?? 0) + count;
      }
    }
    return sum as Holders;
  }

  /** The payload pools of the provider, oldest first. */
  payloadPools(): PoolView[] {
    const { provider } = this.path.options;
    return this.life.pools().filter((pool) => pool.provider === provider);
  }

  /** Names of the events so far. */
  events(): string[] {
    return this.life.log.entries.map(({ event }) => event);
  }

  #ingest(): this {
    const { clock } = this.path;
    const batch = this.#batch;
    batch.count = 1;
    for (const packet of this.#talk.packets.splice(0)) {
      const frame = ethernet(packet);
      this.#arena.bytes.set(frame, 0);
      const atNs = Math.ceil(clock.nowNs) + GAP_NS;
      batch.offset[0] = 0;
      batch.capturedBytes[0] = frame.length;
      batch.wireBytes[0] = frame.length;
      batch.seconds[0] = clock.epochSeconds + Math.floor(atNs / 1e9);
      batch.nanoseconds[0] = atNs % 1e9;
      batch.linkType[0] = 1;
      this.path.ingest(batch);
      this.path.runTo(atNs);
    }
    return this.pass(GAP_NS);
  }
}
