import { openSync, type Stats, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { NetmemError } from "../error.js";
import { ParsedWalker } from "./classic.js";
import { ClassicWalker } from "./classic-walker.js";
import { BAD_GZIP, CUT_GZIP, DamageLog } from "./damage.js";
import { Feed } from "./feed.js";
import { THREAD_BYTES } from "./file-hash.js";
import { GunzipSource } from "./gunzip.js";
import { PcapngWalker } from "./pcapng-walker.js";
import { BLOCK_BYTES, type CaptureReader, MAX_FRAME_BYTES, type ReadWindow } from "./reader.js";
import {
  type CaptureFormat,
  CLASSIC_HEADER_BYTES,
  type ClassicFormat,
  cutHeader,
  formatError,
  HEAD_BYTES,
  type PcapngFormat,
  sniff,
} from "./sniff.js";
import { type ByteSource, FileSource, StreamSource } from "./source.js";
import { openStream } from "./stream.js";
import type { Walker } from "./walker.js";
import { WindowReader } from "./window-reader.js";

/** How to read a capture. */
export interface OpenOptions {
  /** `block` reads plain files in blocks; `pcap-parser` sends classic ones through that package. */
  readonly reader: "block" | "pcap-parser";
  /** Packets handed out at most; all of them where it is absent. */
  readonly limit?: number;
  /** What the path `-` stands for; the process's standard input where it is absent. */
  readonly stdin?: Readable;
  /** Where the bytes come from, in place of the path, which is a name only then. */
  readonly source?: ByteSource;
  /** Bytes read at a time, {@link BLOCK_BYTES} where it is absent; small ones find edge cases. */
  readonly blockBytes?: number;
  /** Ends the wait for bytes that a stream does not send: then what came counts as all of it. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a capture: a path, or `-` for standard input; pcap or pcapng, plain or gzip-compressed.
 *
 * A plain file is read in blocks straight into the window. A classic capture that arrives as a
 * stream (standard input, a pipe or device, gzip), or with `reader: "pcap-parser"`, goes through
 * that package and is copied into the window; a pcapng stream is fed to the block reader. All of
 * them hand out the same packets.
 *
 * @throws NetmemError NETMEM_CAPTURE_MISSING (no such file), NETMEM_CAPTURE_UNREADABLE (a
 *   directory, no permission, a read error before the first header), NETMEM_CAPTURE_FORMAT (empty,
 *   neither pcap nor pcapng, a cut or unknown header), NETMEM_USAGE (`pcap-parser` on pcapng).
 */
export async function openCapture(
  path: string,
  window: ReadWindow,
  options: OpenOptions,
): Promise<CaptureReader> {
  let source = options.source ?? (await openSource(path, options.stdin));
  const stop = () => source.close();
  // A plain file never keeps anybody waiting.
  const signal = source.regular ? undefined : options.signal;
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop);
  try {
    let head = await readHead(source, path);
    let format = sniff(head, path);
    const isCompressed = format.kind === "gzip";
    if (isCompressed) {
      source = new GunzipSource(source, head);
      head = await readHead(source, path);
      format = sniff(head, path);
    }
    if (format.kind === "gzip") {
      const what = "gzip inside gzip";
      throw formatError(path, 0, what, "Unpack it first: gzip -dc FILE | netmem replay -");
    }
    const reader = await assemble({ path, window, options, source, head, format, isCompressed });
    signal?.addEventListener("abort", () => reader.close());
    return reader;
  } catch (error) {
    source.close();
    if (signal?.aborted === true) {
      throw unreadable(path, "interrupted before its first packet", "Check that it is written to.");
    }
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

interface Opened {
  readonly path: string;
  readonly window: ReadWindow;
  readonly options: OpenOptions;
  readonly source: ByteSource;
  readonly head: Uint8Array;
  readonly format: Exclude<CaptureFormat, { kind: "gzip" }>;
  readonly isCompressed: boolean;
}

async function assemble(opened: Opened): Promise<CaptureReader> {
  const { path, source, format, isCompressed, options } = opened;
  const damage = new DamageLog();
  const isStream = isCompressed || !source.regular;
  const { feed, walker } =
    format.kind === "pcapng"
      ? await openPcapng(opened, format, damage)
      : openClassic(opened, format, damage, isStream || options.reader === "pcap-parser");
  const name = format.kind === "pcapng" ? "pcapng" : format.nano ? "pcap-ns" : "pcap";
  return new WindowReader({
    path,
    format: isCompressed ? `${name}.gz` : name,
    source,
    feed,
    walker,
    damage,
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    linkType: format.kind === "pcapng" ? null : format.linkType,
  });
}

function openClassic(
  { source, window, head, options }: Opened,
  format: ClassicFormat,
  damage: DamageLog,
  isParsed: boolean,
): { feed: Feed; walker: Walker } {
  // The parser's frames are copied into the window, so the records lie somewhere else first.
  const room = isParsed
    ? { bytes: new Uint8Array(window.size), start: 0, size: window.size }
    : window;
  const feed = new Feed(source, room, head, options.blockBytes ?? BLOCK_BYTES);
  feed.pos += CLASSIC_HEADER_BYTES;
  const walker = isParsed
    ? new ParsedWalker(feed, format, damage, window)
    : new ClassicWalker(feed, format, damage);
  return { feed, walker };
}

async function openPcapng(
  { path, source, window, head, options }: Opened,
  format: PcapngFormat,
  damage: DamageLog,
): Promise<{ feed: Feed; walker: Walker }> {
  if (options.reader === "pcap-parser") {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${path}: pcap-parser reads classic captures only, and this is pcapng`,
      "Leave --reader out, or convert it: editcap -F pcap FILE OUT.pcap",
    );
  }
  const feed = new Feed(source, window, head, options.blockBytes ?? BLOCK_BYTES);
  // A capture that ends inside its first section header has nothing usable.
  const wanted = Math.min(format.firstBlockBytes, 2 * MAX_FRAME_BYTES);
  while (feed.end - feed.pos < wanted && !feed.eof) {
    await feed.fill();
  }
  if (feed.end - feed.pos < format.firstBlockBytes && feed.eof) {
    throw cutHeader(path, feed.offsetOf(feed.end));
  }
  return { feed, walker: new PcapngWalker(feed, damage) };
}

/**
 * Opens a large plain file before it is read, so that it is being hashed already while a replay
 * gets ready: the source for {@link OpenOptions}. Null for anything else, and for what cannot be
 * opened, of which the reader tells.
 */
export function openAhead(path: string): ByteSource | null {
  try {
    const { size } = statSync(path);
    return size < THREAD_BYTES || path === "-" ? null : new FileSource(openSync(path, "r"));
  } catch {
    return null;
  }
}

async function openSource(path: string, stdin: Readable | undefined): Promise<ByteSource> {
  if (path === "-") {
    return new StreamSource(stdin ?? process.stdin);
  }
  try {
    const stats: Stats = statSync(path);
    if (stats.isDirectory()) {
      throw unreadable(path, "it is a directory", "Name the capture files in it.");
    }
    return stats.isFile()
      ? new FileSource(openSync(path, "r"))
      : new StreamSource(await openStream(path));
  } catch (error) {
    if (error instanceof NetmemError) {
      throw error;
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      const message = `${path}: there is no such file`;
      throw new NetmemError("NETMEM_CAPTURE_MISSING", message, "Check the path.");
    }
    throw unreadable(path, `it cannot be opened (${code})`, "Check the file's permissions.");
  }
}

/** The first bytes of a source: HEAD_BYTES, or all of them where there are fewer. */
async function readHead(source: ByteSource, path: string): Promise<Uint8Array> {
  const head = new Uint8Array(HEAD_BYTES);
  let filled = 0;
  for (let got = 1; got > 0 && filled < head.length; filled += got) {
    got = await source.read(head, filled, head.length - filled);
  }
  const { trouble } = source;
  if (filled < head.length && (trouble === CUT_GZIP || trouble === BAD_GZIP)) {
    throw formatError(path, 0, "the gzip stream is damaged at its start", "Copy it anew, whole.");
  }
  if (filled < head.length && trouble !== undefined) {
    throw unreadable(path, `it cannot be read beyond byte ${filled}`, "Check file and disk.");
  }
  return head.subarray(0, filled);
}

function unreadable(path: string, why: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_CAPTURE_UNREADABLE", `${path}: ${why}`, suggestion);
}
