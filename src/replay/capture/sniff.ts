import { NetmemError } from "../error.js";

/** Bytes of a classic capture's file header. */
export const CLASSIC_HEADER_BYTES = 24;
/** Bytes needed to tell what a capture is: the shortest pcapng section header block. */
export const HEAD_BYTES = 28;

/** pcapng Section Header Block type; a palindrome, so that it reads alike in both byte orders. */
export const SECTION_HEADER = 0x0a0d0d0a;
/** The Section Header Block's byte-order magic as its writer's machine sees it. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const MAGIC_MICRO = 0xa1b2c3d4;
const MAGIC_NANO = 0xa1b23c4d;
/** Alexey Kuznetzov's variant: 8 more bytes (interface, protocol, packet type) a record header. */
const MAGIC_KUZNETZOV = 0xa1b2cd34;

/**
 * A classic capture by its file header (libpcap, pcap-savefile(5)):
 *
 *      magic u32 | major u16 | minor u16 | zone i32 | sigfigs u32 | snaplen u32 | network u32
 */
export interface ClassicFormat {
  readonly kind: "classic";
  readonly littleEndian: boolean;
  /** The sub-second field counts nanoseconds, else microseconds. */
  readonly nano: boolean;
  /** Bytes of a record header: 16, or 24 in Kuznetzov's variant. */
  readonly recordHeaderBytes: number;
  /** The header's snapshot length, 0 where it says none. A hint: old writers exceed it. */
  readonly snaplen: number;
  /** LINKTYPE_ value: the low 16 bits of `network`; those above tell of an FCS. */
  readonly linkType: number;
}

/** A pcapng capture, and how many bytes its first block takes. */
export interface PcapngFormat {
  readonly kind: "pcapng";
  readonly firstBlockBytes: number;
}

/** What the first bytes of a capture say it is. */
export type CaptureFormat = ClassicFormat | PcapngFormat | { readonly kind: "gzip" };

/** Formats that are told apart only to say what to do with them. */
const FOREIGN: ReadonlyArray<readonly [magic: string, name: string, remedy: string]> = [
  ["fd377a585a", "xz-compressed", "Unpack it first: xz -dc FILE | netmem replay -"],
  ["28b52ffd", "zstd-compressed", "Unpack it first: zstd -dc FILE | netmem replay -"],
  ["425a68", "bzip2-compressed", "Unpack it first: bzip2 -dc FILE | netmem replay -"],
  ["04224d18", "lz4-compressed", "Unpack it first: lz4 -dc FILE | netmem replay -"],
  ["736e6f6f70000000", "a snoop capture", "Convert it: editcap -F pcap FILE OUT.pcap"],
  ["474d4255", "a Network Monitor capture", "Convert it: editcap -F pcap FILE OUT.pcap"],
];

/**
 * Tells what a capture is from its first {@link HEAD_BYTES} bytes (fewer where it is shorter).
 *
 * @throws NetmemError NETMEM_CAPTURE_FORMAT for an empty file, a cut header, an unknown magic and
 *   an unknown version.
 */
export function sniff(head: Uint8Array, path: string): CaptureFormat {
  if (head.length === 0) {
    throw formatError(path, 0, "the capture is empty", "Capture again, or check the pipe.");
  }
  if (head[0] === 0x1f && head[1] === 0x8b) {
    return { kind: "gzip" };
  }
  if (head.length < 4) {
    throw cutHeader(path, head.length);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint32(0) === SECTION_HEADER) {
    return sniffPcapng(view, path);
  }
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICRO || magic === MAGIC_NANO || magic === MAGIC_KUZNETZOV) {
      return sniffClassic(view, littleEndian, magic, path);
    }
  }
  throw unknownMagic(head, path);
}

function sniffClassic(
  view: DataView,
  littleEndian: boolean,
  magic: number,
  path: string,
): ClassicFormat {
  if (view.byteLength < CLASSIC_HEADER_BYTES) {
    throw cutHeader(path, view.byteLength);
  }
  const major = view.getUint16(4, littleEndian);
  const minor = view.getUint16(6, littleEndian);
  if (major !== 2 || minor !== 4) {
    const what = `pcap version ${major}.${minor}, only 2.4 is read`;
    throw formatError(path, 4, what, "Rewrite it: tcpdump -r FILE -w OUT.pcap");
  }
  return {
    kind: "classic",
    littleEndian,
    nano: magic === MAGIC_NANO,
    recordHeaderBytes: magic === MAGIC_KUZNETZOV ? 24 : 16,
    snaplen: view.getUint32(16, littleEndian),
    linkType: view.getUint32(20, littleEndian) & 0xffff,
  };
}

function sniffPcapng(view: DataView, path: string): PcapngFormat {
  if (view.byteLength < HEAD_BYTES) {
    throw cutHeader(path, view.byteLength);
  }
  const littleEndian = view.getUint32(8, true) === BYTE_ORDER_MAGIC;
  if (!littleEndian && view.getUint32(8) !== BYTE_ORDER_MAGIC) {
    const what = "no pcapng byte-order magic in the first section header";
    throw formatError(path, 8, what, "Check the file with capinfos.");
  }
  const major = view.getUint16(12, littleEndian);
  if (major !== 1) {
    const what = `pcapng version ${major}.${view.getUint16(14, littleEndian)}, only 1.x is read`;
    throw formatError(path, 12, what, "Convert it: editcap -F pcapng FILE OUT.pcapng");
  }
  return { kind: "pcapng", firstBlockBytes: view.getUint32(4, littleEndian) };
}

/** An error that says what is wrong with the capture's form, and at which byte. */
export function formatError(
  path: string,
  offset: number,
  what: string,
  suggestion: string,
): NetmemError {
  return new NetmemError("NETMEM_CAPTURE_FORMAT", `${path}: byte ${offset}: ${what}`, suggestion);
}

/** The capture ends, at byte `length`, before its first header does. */
export function cutHeader(path: string, length: number): NetmemError {
  return formatError(path, length, "the capture ends inside its header", "Copy it anew, whole.");
}

function unknownMagic(head: Uint8Array, path: string): NetmemError {
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const foreign = FOREIGN.find(([magic]) => hex.startsWith(magic));
  if (foreign !== undefined) {
    return formatError(path, 0, `this is ${foreign[1]}, neither pcap nor pcapng`, foreign[2]);
  }
  const what = `unknown magic ${hex.slice(0, 8)}, neither pcap nor pcapng`;
  return formatError(path, 0, what, "Check that the file is a capture: capinfos FILE");
}
