import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NativeOptions } from "../dist/engine/backend/backend.js";
import { libc } from "../dist/engine/backend/ffi/libc.js";
import { Mapping } from "../dist/engine/backend/ffi/memory.js";
import { Rewriter } from "../dist/engine/backend/flows/rewrite.js";
import { Survey } from "../dist/engine/backend/flows/survey.js";
import { writeVnetHeader } from "../dist/engine/backend/inject/vnet-header.js";
import { nativeBackend } from "../dist/engine/backend/natives.js";
import { setMtu, setQueueLength, setUp } from "../dist/engine/backend/net/device.js";
import { enterFreshNamespace } from "../dist/engine/backend/net/namespace.js";
import { receiveEverything } from "../dist/engine/backend/net/routes.js";
import { openTun } from "../dist/engine/backend/net/tun.js";
import { closeSilently, openRepaired } from "../dist/engine/backend/sockets/repaired.js";
import { IFF_NO_PI, IFF_TUN, IFF_VNET_HDR } from "../dist/engine/backend/sys/device.js";
import type { ReceiveOptions } from "../dist/engine/receive-options.js";
import { Frame } from "../dist/engine/wire/frame.js";
import { hostNamespace } from "../dist/replay/run/native-process.js";
import { batches } from "./batches.js";
import { median } from "./median.js";
import type { NativeRow } from "./native.js";
import { shareOfBare } from "./native-umem.js";
import { synthesize } from "./synthesize.js";

// A measuring process of `npm run bench -- native`; see native.ts.

const HEADROOM = 64;
const VNET = 10;
const READ_EVERY = 64;
const READ_BYTES = 65536;
const quick = process.argv[2] === "quick";
/** `kernel`, or the payload bytes and flows of an af-xdp case. */
const part = process.argv[3]!;
const PAIRS = quick ? 2 : 7;
/** Passes of a replay, of which the last one counts. */
const PASSES = 2;
/** Replays of which the setup and teardown are taken the median of. */
const TURNS = quick ? 1 : 5;
const FRAMES = quick ? 4000 : 20_000;

const folder = mkdtempSync(join(tmpdir(), "netmem-bench-"));
const host = hostNamespace();
const rows: NativeRow[] = [];

function capture(segmentBytes: number, flows: number, frames: number): string {
  const path = join(folder, `${segmentBytes}-${flows}.pcap`);
  writeFileSync(path, synthesize({ segmentBytes, flows, frames, seed: 1 }));
  return path;
}

/** CPU time of this process, which other load on the machine does not stretch. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}

/** CPU time that reading and hashing the capture takes. */
async function readingNs(path: string): Promise<number> {
  const window = { bytes: new Uint8Array(4 << 20), start: HEADROOM, size: 2 << 20 };
  const startNs = cpuNs();
  await batches(path, window, () => {});
  return cpuNs() - startNs;
}

/** A replay through a backend: its report, and the CPU time of the last pass with its reading. */
async function replay(name: string, path: string, coalesceBytes = 0, passes = 1) {
  enterFreshNamespace(host);
  const options: NativeOptions = {
    readSizeBytes: READ_BYTES,
    readDelayNs: 0,
    holdNs: 0,
    rcvbuf: "capture",
    coalesceBytes,
    readEvery: 0,
    traced: [],
    look: null,
    verifyChecksums: false,
    link: null,
    engine: {} as ReceiveOptions,
  };
  const backend = nativeBackend(name)!(options, null);
  await batches(path, backend.window, (batch) => backend.survey(batch));
  let cpu = 0;
  for (let pass = 0; pass < passes; pass++) {
    if (pass > 0) backend.restart();
    backend.begin();
    const startNs = cpuNs();
    await batches(path, backend.window, (batch) => backend.ingest(batch));
    backend.endPass();
    cpu = cpuNs() - startNs;
  }
  backend.teardown();
  return { ...backend.report(), cpu };
}

/** Packets made ready, one behind the other, each with the socket that waits for it. */
interface Ready {
  readonly memory: Mapping;
  readonly at: Float64Array;
  readonly len: Int32Array;
  readonly to: Int32Array;
  readonly count: number;
  readonly survey: Survey;
}

async function prepare(path: string, packets: number, bytes: number): Promise<Ready> {
  const window = { bytes: new Uint8Array(4 << 20), start: HEADROOM, size: 2 << 20 };
  const view = new DataView(window.bytes.buffer);
  const survey = new Survey();
  const frame = new Frame();
  const rewriter = new Rewriter();
  const memory = new Mapping({ bytes: bytes + packets * HEADROOM });
  const at = new Float64Array(packets);
  const len = new Int32Array(packets);
  const to = new Int32Array(packets);
  let count = 0;
  let end = HEADROOM;
  await batches(path, window, (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const { offset, capturedBytes, wireBytes, linkType } = batch;
      frame.parse(view, offset[i]!, capturedBytes[i]!, wireBytes[i]!, linkType[i]!);
      const index = survey.add(view, frame, count);
      if (index < 0) continue;
      const direction = survey.directions[index]!;
      const size = rewriter.rewrite(view, frame, direction);
      memory.bytes.set(window.bytes.subarray(frame.l3, frame.l3 + size), end);
      const ipBytes = frame.l4 - frame.l3;
      const headerBytes = frame.payload - frame.l3;
      const packet = { memory, at: end, bytes: size, ipBytes, headerBytes, v6: false };
      writeVnetHeader(memory.bytes, end - VNET, { ...packet, trusted: true }, 0);
      at[count] = memory.at(end - VNET, size + VNET);
      len[count] = size + VNET;
      to[count++] = index;
      end += size + HEADROOM;
    }
  });
  return { memory, at, len, to, count, survey };
}

/** Injects and receives, and nothing else: the same calls as kernel-tcp makes. */
function bare({ at, len, to, count, survey }: Ready): number {
  enterFreshNamespace(host);
  const tun = openTun("nmbare", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  setMtu("nmbare", 65535);
  setQueueLength("nmbare", 1);
  setUp("nmbare");
  receiveEverything("nmbare");
  const sockets = survey.directions.map((direction) =>
    direction.started ? openRepaired(direction, "capture") : -1,
  );
  const buffer = new Mapping({ bytes: READ_BYTES });
  const touched = new Set<number>();
  const { write, recv } = libc();
  const startNs = cpuNs();
  for (let i = 0; i < count; i++) {
    write(tun, at[i]!, len[i]!);
    touched.add(to[i]!);
    if (i % READ_EVERY !== READ_EVERY - 1 && i !== count - 1) continue;
    for (const index of touched) {
      while (recv(sockets[index]!, buffer.address, READ_BYTES, 0x40) === READ_BYTES);
    }
    touched.clear();
  }
  const ns = cpuNs() - startNs;
  for (const fd of sockets) if (fd >= 0) closeSilently(fd);
  libc().close(tun);
  buffer.release();
  return ns;
}

function row(what: string, value: number, unit: string, target: number | null, atLeast = true) {
  rows.push({ what, value, unit, target, atLeast });
}

async function copied(segmentBytes: number, flows: number): Promise<void> {
  const path = capture(segmentBytes, flows, FRAMES);
  const ready = await prepare(path, FRAMES + 4 * flows, FRAMES * (segmentBytes + 200) + (1 << 20));
  const ratios: number[] = [];
  const kpps: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const bareNs = bare(ready) / ready.count;
    const reading = await readingNs(path);
    const { cpu, injected } = await replay("kernel-tcp", path, 0, PASSES);
    const ns = (cpu - reading) / (injected / PASSES);
    ratios.push(bareNs / ns);
    kpps.push(1e6 / ns);
  }
  const name = `kernel-tcp, ${segmentBytes} B, ${flows} flows`;
  row(`${name}: share of the bare loop`, median(ratios), "", 0.8);
  row(`${name}: packets a CPU second`, median(kpps), "k", null);
}

/** The engine on a UMEM: its share of loops that inject and drain, and look at nothing. */
async function onUmem(segmentBytes: number, flows: number): Promise<void> {
  const share = await shareOfBare(capture(segmentBytes, flows, FRAMES), host, quick ? 1 : PAIRS);
  const name = `af-xdp, ${segmentBytes} B, ${flows} ${flows === 1 ? "flow" : "flows"}`;
  row(`${name}: share of the bare loop`, share.largeNs / share.pathNs, "", 0.6);
  row(`${name}: of one in 256 chunks`, share.tightNs / share.pathNs, "", null);
  row(`${name}: packets`, 1e6 / share.pathNs, "kpps", null);
  if (flows > 1 || segmentBytes < 1448) return;
  row("af-xdp: setup and teardown", (share.setupNs + share.teardownNs) / 1e6, "ms", 150, false);
}

async function mapped(
  what: string,
  path: string,
  coalesce: number,
  target: number,
  backend = "kernel-tcp-mmap",
) {
  const { copies, deliveredBytes } = await replay(backend, path, coalesce);
  const of = coalesce > 0 ? deliveredBytes - (deliveredBytes % 4096) : copies.mappableBytes;
  row(`${backend}, ${what}: mapped`, (100 * copies.mappedBytes) / of, "%", target);
}

async function kernelBackends(): Promise<void> {
  await copied(1448, 1);
  await copied(1448, 64);
  await mapped("--coalesce 4096", capture(1448, 1, FRAMES), 4096, 100);
  const superpackets = capture(65_000, 4, 2000);
  await mapped("superpackets of 65,000 B", superpackets, 0, 95);
  await mapped("superpackets of 65,000 B", superpackets, 0, 95, "kernel-page-pool");
  for (const name of ["kernel-tcp", "kernel-tcp-mmap", "kernel-page-pool"]) {
    const path = capture(1448, 1, 100);
    const times: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const { setupNs, teardownNs } = await replay(name, path);
      times.push((setupNs + teardownNs) / 1e6);
    }
    row(`${name}: setup and teardown`, median(times), "ms", 150, false);
    const many = await replay(name, capture(100, 10_000, 20_000));
    row(`${name}: setup, 10,000 flows`, many.setupNs / 1e3 / 10_000, "us/flow", 200, false);
  }
}

try {
  if (part === "kernel") await kernelBackends();
  else {
    const [segmentBytes, flows] = part.split(":").map(Number);
    await onUmem(segmentBytes!, flows!);
  }
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
