import type { AfXdp } from "../dist/engine/backend/af-xdp/af-xdp.js";
import { TapWire } from "../dist/engine/backend/af-xdp/tap-wire.js";
import { XskSocket } from "../dist/engine/backend/af-xdp/xsk-socket.js";
import type { NativeOptions } from "../dist/engine/backend/backend.js";
import { kernelNowNs } from "../dist/engine/backend/clock.js";
import { Mapping } from "../dist/engine/backend/ffi/memory.js";
import { nativeBackend } from "../dist/engine/backend/natives.js";
import { enterFreshNamespace } from "../dist/engine/backend/net/namespace.js";
import type { ReceiveOptions } from "../dist/engine/receive-options.js";
import type { PacketBatch } from "../dist/engine/wire/packet-batch.js";
import { raiseInliningBudget } from "../dist/replay/measure/v8-flags.js";
import { batches } from "./batches.js";
import { ENGINE_OPTIONS } from "./engine-options.js";
import { median } from "./median.js";

// af-xdp against loops that put the same frames into a UMEM and take them off again.

const CHUNK = 4096;
/** The RX ring that af-xdp has by default. */
const RING = 1024;
/** Rings of a bare loop; `fill` is how many chunks are in turn. */
interface BareRings {
  readonly rx: number;
  readonly fill: number;
}
/** Rings as large as an AF_XDP program's are, for bursts. */
const LARGE: BareRings = { rx: 2048, fill: 2048 };
/** af-xdp's own: so few chunks that caches hold them, which no loop can do faster. */
const TIGHT: BareRings = { rx: RING, fill: RING / 4 };
const BURST = 64;
const WARM_PASSES = 3;

const ENGINE: ReceiveOptions = {
  ...ENGINE_OPTIONS,
  provider: "page",
  queues: 1,
  ring: RING,
  budget: BURST,
  netmemBytes: CHUNK,
  rxUsecs: 0,
  rxFrames: 1,
  topspeed: true,
};

const OPTIONS: NativeOptions = {
  readSizeBytes: 65536,
  readDelayNs: 0,
  holdNs: 0,
  rcvbuf: "capture",
  coalesceBytes: 0,
  readEvery: 0,
  traced: [],
  look: null,
  verifyChecksums: false,
  link: null,
  engine: ENGINE,
};

/** Puts frames into a UMEM and takes them off again, and looks at nothing. */
class Bare {
  readonly #wire: TapWire;
  readonly #umem: Mapping;
  readonly #socket: XskSocket;
  #posted = 0;
  #head = 0;

  constructor(device: string, rings: BareRings) {
    this.#wire = new TapWire(device);
    this.#umem = new Mapping({ bytes: 2 * rings.rx * CHUNK });
    const { address, size } = this.#umem;
    const umem = { address, bytes: size, chunkBytes: CHUNK };
    this.#socket = new XskSocket(umem, rings, this.#wire);
    for (let i = 0; i < rings.fill; i++) this.#post(i * CHUNK);
    this.#socket.fill.producer = this.#posted;
  }

  /** The frames of a batch; ns. */
  run(batch: PacketBatch, base: number): number {
    const { rx, fill } = this.#socket;
    const wire = this.#wire;
    const startNs = kernelNowNs();
    for (let i = 0; i < batch.count; i++) {
      wire.send(base + batch.offset[i]!, batch.capturedBytes[i]!);
      if (i % BURST !== BURST - 1 && i !== batch.count - 1) continue;
      const tail = rx.producer;
      while (this.#head !== tail) {
        this.#post(rx.words[rx.entriesAt + (this.#head++ & rx.mask) * 4]!);
      }
      rx.consumer = tail;
      fill.producer = this.#posted;
    }
    return kernelNowNs() - startNs;
  }

  close(): number {
    this.#socket.close();
    this.#wire.close();
    this.#umem.release();
    return this.#head;
  }

  #post(low: number): void {
    const { fill } = this.#socket;
    const word = fill.entriesAt + (this.#posted++ & fill.mask) * 2;
    fill.words[word] = low & -CHUNK;
    fill.words[word + 1] = 0;
  }
}

/** What the whole path needs for a frame, and the bare loops: medians over batches. */
export interface Share {
  readonly largeNs: number;
  readonly tightNs: number;
  readonly pathNs: number;
  readonly setupNs: number;
  readonly teardownNs: number;
}

/**
 * Driver, page pool, TCP and reader, digests off, against the bare loops. The tight one takes each
 * batch right before or after the path, so that a machine that is busy is so for both; the large
 * one, which would push the others' chunks out of the caches, has every second pass to itself. The
 * first passes warm the compiler.
 */
export async function shareOfBare(path: string, host: number, passes: number): Promise<Share> {
  raiseInliningBudget();
  enterFreshNamespace(host);
  const backend = nativeBackend("af-xdp")!(OPTIONS, null) as AfXdp;
  backend.begin();
  const tight = new Bare("nmtight", TIGHT);
  const large = new Bare("nmlarge", LARGE);
  const largeNs: number[] = [];
  const tightNs: number[] = [];
  const pathNs: number[] = [];
  const base = backend.path.memory.at(0, 1);
  let frames = 0;
  let turns = 0;
  for (let pass = 0; pass < WARM_PASSES + passes; pass++) {
    const measured = pass >= WARM_PASSES;
    if (pass > 0) backend.restart();
    await batches(path, backend.window, (batch) => {
      frames += batch.count;
      const before = backend.elapsedNs;
      // Whoever comes first finds the frames colder.
      const bareFirst = turns++ % 2 === 0;
      let ns = bareFirst ? tight.run(batch, base) : 0;
      backend.ingest(batch);
      if (!bareFirst) ns = tight.run(batch, base);
      if (!measured) return;
      tightNs.push(ns / batch.count);
      pathNs.push((backend.elapsedNs - before) / batch.count);
    });
    backend.endPass();
    await batches(path, backend.window, (batch) => {
      const ns = large.run(batch, base);
      if (measured) largeNs.push(ns / batch.count);
    });
  }
  backend.teardown();
  const { driver, setupNs, teardownNs } = backend.report();
  const drained = [driver.rx_packets, tight.close(), large.close()];
  if (drained.some((count) => count !== frames)) throw new Error("frames were lost");
  return {
    largeNs: median(largeNs),
    tightNs: median(tightNs),
    pathNs: median(pathNs),
    setupNs,
    teardownNs,
  };
}
