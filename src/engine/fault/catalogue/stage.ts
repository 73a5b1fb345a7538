import type { Application } from "../../app/application.js";
import { DEFAULT_COSTS } from "../../clock/costs.js";
import type { KernelProfile } from "../../kernel/profile.js";
import { type PathLayout, restQueues } from "../../layout.js";
import { InvariantViolation } from "../../ledger/invariant.js";
import { Arena } from "../../memory/arena.js";
import { NM_STATE, NM_WORDS } from "../../netmem/netmem-table.js";
import { STATE_OWNER } from "../../netmem/state.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import type { ProviderKind, ReceiveOptions } from "../../receive-options.js";
import { ReceivePath } from "../../receive-path.js";
import { PacketBatch } from "../../wire/packet-batch.js";
import { FaultyApplication } from "../faulty-application.js";
import { type Blame, type Book, type Finding, PromiseBroken, whose } from "./finding.js";
import type { StagedFrame } from "./frames.js";
import { Parts } from "./parts.js";

const WINDOW_BYTES = 1 << 20;
const AREA_BYTES = 1 << 20;
const PAGE_BYTES = 4096;
const PAGES = 1024;
const USER_BYTES = 1 << 17;
const SCRATCH_BYTES = 1 << 17;
/** fbnic's headers share pages. */
const SKBS_PER_PAGE = 8;
/** Frames of one batch. */
const BATCH = 64;

/** The settings of a staged receive path, before a row changes some. */
const OPTIONS: Omit<ReceiveOptions, "kernel" | "provider"> = {
  driver: "fbnic",
  queues: 1,
  ring: 64,
  budget: 64,
  areaBytes: AREA_BYTES,
  netmemBytes: PAGE_BYTES,
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
  topspeed: false,
  costs: DEFAULT_COSTS,
  seed: 1,
  leaks: "trace",
  intervalNs: null,
};

/** A whole receive path on a stage, and the traffic in front of it. */
export class StagedPath {
  readonly path: ReceivePath;
  readonly app: FaultyApplication;
  readonly #frames: readonly StagedFrame[];
  readonly #arena: Arena;
  #next = 0;
  #ended = false;

  constructor(options: ReceiveOptions, frames: readonly StagedFrame[]) {
    this.#frames = frames;
    const layout = layOutSmall(options);
    this.#arena = new Arena(layout.end);
    let app: FaultyApplication | null = null;
    const place = {
      arena: this.#arena,
      layout,
      sink: null,
      dress: (inner: Application, clock: ReceivePath["clock"]) => {
        app = new FaultyApplication(inner, clock);
        return app;
      },
    };
    this.path = new ReceivePath(options, place, null);
    this.app = app!;
  }

  /** The next frames of the traffic arrive; all that are left where no number is given. */
  play(count = Number.POSITIVE_INFINITY): this {
    const end = Math.min(this.#frames.length, this.#next + count);
    while (this.#next < end) this.#playBatch(Math.min(end, this.#next + BATCH));
    return this;
  }

  /** Frames that have not arrived yet. */
  get left(): number {
    return this.#frames.length - this.#next;
  }

  /** All that is due in the next milliseconds happens; nothing arrives. */
  rest(ms = 5): this {
    const { path } = this;
    path.runTo(path.clock.nowNs + ms * 1e6);
    return this;
  }

  /** Netmems of the provider's area in a state. */
  inState(state: number): number[] {
    const { table } = this.path;
    const found: number[] = [];
    for (let n = 0; n < table.areaNetmems; n++) {
      if (table.words[n * NM_WORDS + NM_STATE] === state) found.push(n);
    }
    return found;
  }

  /** The first payload pool. */
  get pool(): PagePool {
    return this.path.netdev.queues[0]!.payloadPool;
  }

  /** Orderly end of the run, once. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.path.endPass();
    this.path.teardown();
  }

  #playBatch(end: number): void {
    const batch = new PacketBatch(BATCH);
    let at = 0;
    for (; this.#next < end; this.#next++) {
      const { bytes, wireBytes, atNs, linkType } = this.#frames[this.#next]!;
      if (at + bytes.length + 64 > WINDOW_BYTES) break;
      this.#arena.bytes.set(bytes, at);
      const i = batch.count++;
      batch.offset[i] = at;
      batch.capturedBytes[i] = bytes.length;
      batch.wireBytes[i] = wireBytes;
      batch.seconds[i] = Math.floor(atNs / 1e9);
      batch.nanoseconds[i] = Math.round(atNs % 1e9);
      batch.linkType[i] = linkType;
      at += (bytes.length + 63) & -64;
    }
    this.path.ingest(batch);
  }
}

/** A row's stage: what it is set on, and what must hold in the end. */
export class Stage {
  readonly profile: KernelProfile;
  readonly #frames: readonly StagedFrame[];
  readonly #books: Array<Book & { readonly pools: Parts["pools"] }> = [];
  readonly #paths: StagedPath[] = [];

  constructor(profile: KernelProfile, frames: readonly StagedFrame[]) {
    this.profile = profile;
    this.#frames = frames;
  }

  /** Whether the bug of a row is in; for rows whose bug is a model that the row plays itself. */
  has(id: string): boolean {
    return this.profile.regress === id;
  }

  /** A whole receive path with traffic in front of it: the row's own, or the stage's. */
  path(
    provider: ProviderKind,
    change: Partial<ReceiveOptions> = {},
    own: readonly StagedFrame[] | null = null,
  ): StagedPath {
    const options = { ...OPTIONS, ...change, provider, kernel: this.profile };
    const staged = new StagedPath(options, own ?? this.#frames);
    this.#paths.push(staged);
    this.#books.push(staged.path);
    return staged;
  }

  /** Netmems, pools and providers alone. */
  parts(kind: "page" | "devmem" | "zcrx", netmems = 64): Parts {
    const parts = new Parts(kind, netmems, this.profile);
    this.#books.push(parts);
    return parts;
  }

  /** @throws PromiseBroken unless what was found is what was promised. */
  promise(what: string, found: unknown, promised: unknown, netmem = -1): void {
    if (found !== promised) throw new PromiseBroken(what, found, promised, netmem);
  }

  /** The book that a finding's netmem is looked up in: the last one opened. */
  get book(): Book | null {
    return this.#books.at(-1) ?? null;
  }

  /**
   * The end of a stage: paths run to an orderly end, then nothing may be out.
   *
   * @throws InvariantViolation for what the audits find.
   */
  close(blame: Blame): Finding | null {
    for (const staged of this.#paths) staged.end();
    for (const book of this.#books) {
      book.pools.audit();
      checkMappings(book.pools.pools);
      const leak = leakOf(book, blame);
      if (leak !== null) return leak;
      const zombie = book.pools.zombies[0];
      if (zombie === undefined) continue;
      const message = `pool ${zombie.number} cannot be freed, ${zombie.inflight} in flight`;
      return { kind: "zombie", message, netmem: -1, ...whose(-1, book, blame) };
    }
    return null;
  }
}

/** The first netmem that is still out, and how many there are. */
function leakOf(book: Book, blame: Blame): Finding | null {
  const { words, count } = book.table;
  const out: number[] = [];
  for (let n = 0; n < count; n++) {
    if (STATE_OWNER[words[n * NM_WORDS + NM_STATE]!] !== "") out.push(n);
  }
  if (out.length === 0) return null;
  const netmem = out[0]!;
  const message = `${out.length} netmems leaked, the first is ${netmem}`;
  return { kind: "leak", message, netmem, ...whose(netmem, book, blame) };
}

/** No page of a destroyed pool stays mapped (ee62ce7a1d90). */
function checkMappings(pools: ReadonlyArray<PagePool | null>): void {
  for (const pool of pools) {
    if (pool === null || pool.destroyCnt === 0 || pool.dmaMapped === 0) continue;
    const message = `pool ${pool.number} was scrubbed with ${pool.dmaMapped} pages mapped for DMA`;
    throw new InvariantViolation("dma", message);
  }
}

function layOutSmall(options: ReceiveOptions): PathLayout {
  const page = options.provider === "page";
  const rings = page ? 0 : (options.queues + 2 * restQueues(options.queues)) * options.ring;
  const pages = page ? 0 : rings + PAGES;
  const pagesStart = WINDOW_BYTES + options.areaBytes;
  const userStart = pagesStart + pages * PAGE_BYTES;
  const scratchStart = userStart + USER_BYTES;
  const headsStart = scratchStart + SCRATCH_BYTES;
  const skbs = (page ? options.areaBytes / PAGE_BYTES : pages) * SKBS_PER_PAGE;
  return {
    areaStart: WINDOW_BYTES,
    areaBytes: options.areaBytes,
    pagesStart,
    pages,
    userStart,
    userBytes: USER_BYTES,
    scratchStart,
    headsStart,
    skbs,
    end: headsStart,
  };
}
