import type { NativeOptions } from "../dist/engine/backend/backend.js";
import { TapWire } from "../dist/engine/backend/af-xdp/tap-wire.js";
import { XskSocket } from "../dist/engine/backend/af-xdp/xsk-socket.js";
import { kernelNowNs } from "../dist/engine/backend/clock.js";
import { Mapping } from "../dist/engine/backend/ffi/memory.js";
import { nativeBackend } from "../dist/engine/backend/natives.js";
import { enterFreshNamespace } from "../dist/engine/backend/net/namespace.js";
import { DEFAULT_COSTS } from "../dist/engine/clock/costs.js";
import { KERNEL_PROFILES } from "../dist/engine/kernel/profile.js";
import type { ReceiveOptions } from "../dist/engine/receive-options.js";
import { PacketBatch } from "../dist/engine/wire/packet-batch.js";
import { openCapture } from "../dist/replay/capture/open.js";
import { raiseInliningBudget } from "../dist/replay/measure/v8-flags.js";

// af-xdp against the bare loop that puts the same frames into a UMEM and takes them off again.

const RING = 1024;
const CHUNK = 4096;
const BURST = 64;

const ENGINE: ReceiveOptions = {
  provider: "page",
  kernel: KERNEL_PROFILES["7.3"]!,
  driver: "fbnic",
  queues: 1,
  ring: RING,
  budget: BURST,
  areaBytes: 64 * 1024 * 1024,
  netmemBytes: CHUNK,
  split: { mode: "on", failEvery: 0 },
  steer: "all",
  rxUsecs: 0,
  rxFrames: 1,
  readDelayNs: 0,
  readSizeBytes: 65536,
  holdNs: 0,
  batch: 1,
  rcvbuf: "capture",
  verifyChecksums: false,
  topspeed: true,
  costs: DEFAULT_COSTS,
  seed: 1,
  leaks: "count",
};

const OPTIONS: NativeOptions = {
  readSizeBytes: 65536,
  readDelayNs: 0,
  holdNs: 0,
  rcvbuf: "capture",
  coalesceBytes: 0,
  readEvery: 0,
  traced: [],
  verifyChecksums: false,
  engine: ENGINE,
};

async function batches(
  path: string,
  window: { bytes: Uint8Array; start: number; size: number },
  take: (batch: PacketBatch) => void,
): Promise<void> {
  const reader = await openCapture(path, window, { reader: "block" });
  const batch = new PacketBatch();
  for (;;) {
    const next = reader.next(batch);
    if (!(typeof next === "boolean" ? next : await next)) break;
    take(batch);
  }
  reader.close();
}

/** A replay of `path`: driver, page pool, TCP, reader; digests off. */
export async function replayOnUmem(path: string, host: number) {
  enterFreshNamespace(host);
  const backend = nativeBackend("af-xdp")!(OPTIONS, null);
  backend.begin();
  await batches(path, backend.window, (batch) => backend.ingest(batch));
  backend.endPass();
  backend.teardown();
  return backend.report();
}

/** Injects and drains, and looks at nothing; ns a frame. */
async function bare(path: string, host: number): Promise<number> {
  enterFreshNamespace(host);
  const wire = new TapWire("nmbare");
  const window = new Mapping({ bytes: (2 << 20) + CHUNK });
  const umem = new Mapping({ bytes: 2 * RING * CHUNK });
  const shape = { address: umem.address, bytes: umem.size, chunkBytes: CHUNK };
  const { fill, rx, ...socket } = opened(new XskSocket(shape, RING, wire.ifindex, wire.map));
  let posted = 0;
  let head = 0;
  const post = (low: number) => {
    const word = fill.entriesAt + (posted++ & fill.mask) * 2;
    fill.words[word] = low & -CHUNK;
    fill.words[word + 1] = 0;
  };
  for (let i = 0; i < RING; i++) post(i * CHUNK);
  fill.producer = posted;
  let frames = 0;
  let ns = 0;
  await batches(path, { bytes: window.bytes, start: 0, size: 2 << 20 }, (batch) => {
    const startNs = kernelNowNs();
    for (let i = 0; i < batch.count; i++) {
      const len = batch.capturedBytes[i]!;
      wire.send(window.address + batch.offset[i]!, len);
      if (i % BURST !== BURST - 1 && i !== batch.count - 1) continue;
      const tail = rx.producer;
      for (; head !== tail; head++) post(rx.words[rx.entriesAt + (head & rx.mask) * 4]!);
      rx.consumer = head;
      fill.producer = posted;
    }
    ns += kernelNowNs() - startNs;
    frames += batch.count;
  });
  if (head < frames) throw new Error(`the bare loop lost ${frames - head} frames`);
  socket.close();
  wire.close();
  umem.release();
  window.release();
  return ns / frames;
}

function opened(socket: XskSocket) {
  return { fill: socket.fill, rx: socket.rx, close: () => socket.close() };
}

/** What share of the bare loop's speed the whole path reaches, pair by pair, and its packets. */
export async function shareOfBare(
  path: string,
  host: number,
  pairs: number,
): Promise<{ shares: number[]; kpps: number[] }> {
  raiseInliningBudget();
  const shares: number[] = [];
  const kpps: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const bareNs = await bare(path, host);
    const { elapsedNs, injected, driver } = await replayOnUmem(path, host);
    if (driver.rx_packets !== injected) throw new Error("af-xdp lost frames");
    shares.push((bareNs * injected) / elapsedNs);
    kpps.push((injected * 1e6) / elapsedNs);
  }
  return { shares, kpps };
}
