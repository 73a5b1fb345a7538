import type { ReplayConfig } from "../plan/replay-config.js";
import { formatEndpoint } from "../record/address.js";
import { MAX_INTERVALS } from "../record/limits.js";
import type { NetmemRecord, RunRecord } from "../record/schema.js";
import { captureWarnings } from "./capture-warnings.js";
import type { NativeOutcome } from "./native-messages.js";

type Warning = NetmemRecord["warnings"][number];
type Hole = NonNullable<RunRecord["native"]>["holes"][number];

/** What to know of a capture, as a native run found it; a kernel's window is never a guess. */
export function foundInCapture({ run, facts, found }: NativeOutcome, config: ReplayConfig) {
  const midStream = Number(run.sockets.midStream);
  const all = { ...found, midStream, oneSided: 0, artefacts: {} };
  return captureWarnings(facts, all, config.checksum === "verify");
}

/** What a reader should know of a native run: what was changed, and what was left. */
export function nativeWarnings(
  backend: string,
  { run, mismatched, intervals }: NativeOutcome,
  { holdNs }: ReplayConfig,
): Warning[] {
  const found: Warning[] = [];
  const { altered, left, pool } = run.native!;
  const add = (code: string, count: number | string, message: string) => {
    if (Number(count) > 0) found.push({ code, message: `${backend}: ${message}` });
  };
  add("payload-mismatch", mismatched ? 1 : 0, "passes of --loop delivered different bytes");
  const held = Number(run.latency.hold?.count ?? 0);
  const unheld = holdNs > 0 && held === 0 && Number(run.deliveredBytes) > 0;
  add("hold-without-effect", unheld ? 1 : 0, "--hold had nothing to hold: all of it was copied");
  const rewritten = altered.acksRewritten;
  add(
    "acks-rewritten",
    rewritten,
    `${counted(rewritten, "packet")} with the ACK field set to the socket's`,
  );
  const mapped = altered.mappedConnections;
  add(
    "addresses-mapped",
    mapped,
    `${counted(mapped, "connection")} replayed at addresses of the run`,
  );
  const joined = altered.joinedDatagrams;
  add("fragments-joined", joined, `${counted(joined, "datagram")} joined before the kernel could`);
  const rebuilt = counted(altered.coalescedSegments, "segment");
  add(
    "segments-rebuilt",
    altered.coalescedSegments,
    `${rebuilt} rebuilt by --coalesce: the bytes are the capture's, the packets are not`,
  );
  const split = altered.splitPackets;
  add("packets-split", split, `${counted(split, "packet")} beyond 64 KiB replayed in parts`);
  const signed = altered.signaturesRemoved ?? 0;
  add("signatures-removed", signed, `${counted(signed, "packet")} replayed without a signature`);
  found.push(...cutStreams(backend, run));
  const unheldRows = Math.max(0, intervals - MAX_INTERVALS);
  const cut = `${intervals} intervals; the record holds the first ${MAX_INTERVALS}`;
  add("intervals-cut", unheldRows, cut);
  const behind = Number(left.sockets) + Number(left.mappedPages) + Number(left.interfaces);
  add("left-behind", behind, `${behind} sockets, pages or interfaces left at the end`);
  const unknown = backend === "kernel-page-pool" && pool === null;
  add("pool-unknown", unknown ? 1 : 0, "its page_pool could not be told from others: no counts");
  const out = pool === null ? 0 : Number(pool.inflight);
  if (pool !== null && pool.releases.length > 0) {
    add("pool-in-flight", out, `${counted(out, "page")} of its page_pool did not come back`);
  }
  return found;
}

/** Streams that ended early: at holes of the capture, and where a kernel refused what came. */
function cutStreams(backend: string, { provider, native }: RunRecord): Warning[] {
  const { holes } = native!;
  // The engine, on a UMEM, names no packet of its holes.
  const isHole = ({ packet }: Hole) => packet !== null || provider === "umem";
  const kinds = [
    ["holes", holes.filter(isHole), "cut short by a hole"],
    ["refused", holes.filter((hole) => !isHole(hole)), "cut short: its socket refused what came"],
  ] as const;
  return kinds
    .filter(([, streams]) => streams.length > 0)
    .map(([code, streams, what]) => {
      const where = places(streams);
      return { code, message: `${backend}: ${counted(streams.length, "stream")} ${what}${where}` };
    });
}

/** Where the first of some streams ended. */
function places([first, ...more]: readonly Hole[]): string {
  const { src, sport, dst, dport, atByte, packet } = first!;
  const next = packet === null ? "" : `, packet ${packet}`;
  const stream = `${formatEndpoint(src, sport)} > ${formatEndpoint(dst, dport)}`;
  const where = `${stream} at byte ${atByte}${next}`;
  return more.length === 0 ? `: ${where}` : `; the first: ${where}`;
}

/** `1 packet`, `2 packets`. */
function counted(count: number | string, noun: string): string {
  return `${count} ${noun}${Number(count) === 1 ? "" : "s"}`;
}
