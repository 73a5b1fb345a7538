import { DEFAULT_COSTS } from "../../src/engine/clock/costs.js";
import type { Prng } from "../../src/engine/clock/prng.js";
import { KERNEL_PROFILES } from "../../src/engine/kernel/profile.js";
import { layOut, restQueues } from "../../src/engine/layout.js";
import { Arena } from "../../src/engine/memory/arena.js";
import { NM_STATE, NM_WORDS } from "../../src/engine/netmem/netmem-table.js";
import { STATE_OWNER } from "../../src/engine/netmem/state.js";
import type { ReceiveOptions } from "../../src/engine/receive-options.js";
import { ReceivePath } from "../../src/engine/receive-path.js";
import { PacketBatch } from "../../src/engine/wire/packet-batch.js";
import { openCapture } from "../../src/replay/capture/open.js";
import { MIN_WINDOW_BYTES, type ReadWindow } from "../../src/replay/capture/reader.js";
import { Schedule } from "../../src/replay/pacing/schedule.js";
import { MemorySource } from "./memory-source.js";
import { oneIn, pick } from "./packet.js";

const KIB = 1024;
const WASM_PAGE = 64 * KIB;
/** System pages beside the rings': few, so that heads run out as well. */
const SPARE_PAGES = 192;

/** Draws what a receive path may be set to, small enough that everything runs out at times. */
export function drawOptions(prng: Prng): ReceiveOptions {
  const provider = pick(prng, ["page", "devmem", "zcrx"] as const);
  const kernels = Object.keys(KERNEL_PROFILES).filter(
    (name) => provider !== "zcrx" || KERNEL_PROFILES[name]!.hasZcrx,
  );
  const kernel = KERNEL_PROFILES[pick(prng, kernels)]!;
  const split = provider === "page" ? pick(prng, ["on", "off", "fail"] as const) : "on";
  const wide = kernel.rxPageSize || provider === "page";
  const driver = pick(prng, ["fbnic", "bnxt", "gve"] as const);
  return {
    provider,
    kernel,
    driver,
    queues: 1 + prng.below(2),
    ring: pick(prng, [16, 32, 64]),
    budget: pick(prng, [1, 8, 64]),
    areaBytes: pick(prng, [256, 512, 1024]) * KIB,
    netmemBytes: wide && driver !== "gve" ? pick(prng, [4096, 4096, 8192, 16384]) : 4096,
    split: oneIn(prng, 3) ? { mode: "fail", failEvery: 2 } : { mode: split, failEvery: 3 },
    steer: oneIn(prng, 5) ? "none" : "all",
    rxUsecs: pick(prng, [0, 5, 50]),
    rxFrames: pick(prng, [1, 8, 32]),
    readDelayNs: pick(prng, [0, 0, 1e5, 5e9]),
    readSizeBytes: pick(prng, [1, 100, 4096, 65536]),
    holdNs: pick(prng, [0, 0, 1e4, 1e9, 1e12]),
    batch: pick(prng, [1, 7, 64]),
    rcvbuf: pick(prng, ["capture", "auto", 2304, 65536] as const),
    verifyChecksums: oneIn(prng, 3),
    topspeed: oneIn(prng, 4),
    costs: DEFAULT_COSTS,
    seed: prng.next(),
    leaks: oneIn(prng, 4) ? "trace" : "count",
    intervalNs: oneIn(prng, 4) ? 1e6 : null,
  };
}

/** How one input is read. */
export interface ReadOptions {
  readonly reader: "block" | "pcap-parser";
  /** Bytes that the source gives at a time. */
  readonly pieceBytes: number;
  readonly isFile: boolean;
}

/** Draws how an input is read. */
export function drawRead(prng: Prng): ReadOptions {
  const reader = oneIn(prng, 12) ? "pcap-parser" : "block";
  const pieceBytes = pick(prng, [1 << 20, 1 << 20, 4096, 61]);
  return { reader, pieceBytes, isFile: !oneIn(prng, 12) };
}

/**
 * A small receive path that takes one input after the other, as a replay takes passes: sockets are
 * forgotten in between, pools and clock go on. All rules of the ledger are on, and after each input
 * the full walk over pools and sockets.
 */
export class Target {
  readonly options: ReceiveOptions;
  readonly path: ReceivePath;
  /** Numbers of counters that moved with the last input, with the magnitude of the change. */
  readonly features = new Set<string>();
  readonly #window: ReadWindow;
  readonly #schedule: Schedule;
  readonly #batch = new PacketBatch(64);
  #known: ArrayLike<number> = [];
  #inputs = 0;

  /** @throws NetdevRefused where a kernel would not open the provider's queue. */
  constructor(options: ReceiveOptions) {
    this.options = options;
    const start = Math.ceil((MIN_WINDOW_BYTES + 4096) / WASM_PAGE) * WASM_PAGE;
    const isPage = options.provider === "page";
    const whole = layOut(start, { ...options, pages: isPage });
    const rings = (options.queues + 2 * restQueues(options.queues)) * options.ring;
    const layout = isPage ? whole : { ...whole, pages: rings + SPARE_PAGES };
    const arena = new Arena(layout.end);
    this.path = new ReceivePath(options, { arena, layout, sink: null }, null);
    this.#window = { bytes: arena.bytes, start: 0, size: MIN_WINDOW_BYTES };
    this.#schedule = new Schedule(
      options.topspeed ? { mode: "topspeed" } : { mode: "recorded", multiplier: 1 },
    );
    this.#known = this.#counters();
  }

  /**
   * Replays one input whole and checks what must hold behind it.
   *
   * @throws NetmemError for a capture that has nothing usable; anything else is a finding.
   */
  async run(bytes: Uint8Array, how: ReadOptions): Promise<void> {
    const { path } = this;
    this.features.clear();
    if (this.#inputs++ > 0) {
      path.restart();
      this.#schedule.nextPass(path.elapsed());
    }
    const source = new MemorySource(bytes, how.pieceBytes, how.isFile);
    const { reader } = how;
    const before = path.packets;
    const capture = await openCapture("fuzz", this.#window, { reader, source });
    for (;;) {
      const next = capture.next(this.#batch);
      if (!(typeof next === "boolean" ? next : await next)) break;
      this.#schedule.apply(this.#batch);
      path.ingest(this.#batch);
    }
    capture.close();
    path.endPass();
    const facts = capture.facts();
    if (path.packets - before !== facts.packets) throw new Error("packets went missing");
    for (const name of Object.keys(facts.skipped)) this.features.add(name);
    for (const { reason } of facts.damage) this.features.add(reason);
    this.#check();
    this.#note();
  }

  /** Takes the path down and looks for what did not come back. */
  close(): void {
    this.path.teardown();
    const { words, count } = this.path.table;
    for (let n = 0; n < count; n++) {
      const owner = STATE_OWNER[words[n * NM_WORDS + NM_STATE]!]!;
      if (owner !== "") throw new Error(`leak: netmem ${n} is with ${owner}`);
    }
    if (this.path.pools.zombies.length > 0) throw new Error("leak: a pool cannot be freed");
  }

  /** What holds between two inputs whatever was replayed. */
  #check(): void {
    const { slab, tcp, app } = this.path;
    if (slab.skbCount !== 0) throw new Error(`${slab.skbCount} skbs are left`);
    if (slab.fragCount !== 0) throw new Error(`${slab.fragCount} frags are left`);
    if (app.heldCount !== 0) throw new Error(`${app.heldCount} tokens are left`);
    for (let sock = 0; sock < tcp.sockets; sock++) {
      const { bytes, gaps, rcvbuf } = tcp.streamOf(sock);
      const sane = Number.isSafeInteger(bytes) && bytes >= 0 && gaps >= 0 && rcvbuf >= 0;
      if (!sane) throw new Error(`socket ${sock}: ${bytes} bytes, ${gaps} gaps, ${rcvbuf} rcvbuf`);
    }
  }

  /** Which counters moved, and by which power of two: what the input made happen. */
  #note(): void {
    const now = this.#counters();
    for (let i = 0; i < now.length; i++) {
      const moved = now[i]! - this.#known[i]!;
      if (moved > 0) this.features.add(`${i}:${Math.min(Math.floor(Math.log2(moved)), 3)}`);
    }
    this.#known = now;
  }

  #counters(): Float64Array {
    const { drops, tcp, netdev, app, pools } = this.path;
    const pool = pools.pools.find((each) => each !== null)!;
    return Float64Array.from([
      ...drops.values,
      ...tcp.mib.values,
      ...tcp.artefacts.values,
      ...netdev.counters.values,
      ...pool.stats,
      app.counts.referenceBytes,
    ]);
  }
}
