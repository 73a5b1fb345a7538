import type { TcpArtefact } from "../../engine/tcp/mib.js";
import type { StreamRow } from "../../engine/tcp/streams.js";
import { formatAddress } from "../record/address.js";
import type { StreamRecord } from "../record/schema.js";
import type { Lane } from "./lane.js";

/** What the sockets of one pass came to. */
export interface Sockets {
  /** Directions that carried payload. */
  readonly opened: number;
  readonly midStream: number;
  readonly oneSided: number;
  /** What only the way of capturing explains; a kind that did not occur is absent. */
  readonly artefacts: Partial<Record<TcpArtefact, number>>;
  /** sk_rcvbuf over all sockets at the end; null if none opened. */
  readonly rcvbufBytes: { readonly min: number; readonly max: number } | null;
  /** One row a direction of each connection, where digests are kept. */
  readonly streams: readonly StreamRecord[];
}

/** Collects the rows of a pass that has ended, and makes the lane ready for the next one. */
export function closePass(lane: Lane): Sockets {
  const { tcp } = lane.path;
  const streams: StreamRecord[] = [];
  const count = { opened: 0, midStream: 0, oneSided: 0 };
  const artefacts: Sockets["artefacts"] = tcp.artefacts.nonZero();
  const rcvbuf = { min: Number.POSITIVE_INFINITY, max: 0 };
  for (let sock = 0; sock < tcp.sockets; sock++) {
    const row = tcp.streamOf(sock);
    if (lane.digests !== null) streams.push(streamRecord(row, lane.digests.take(sock)));
    if (!row.payload) continue;
    count.opened++;
    if (row.midStream) count.midStream++;
    if (row.oneSided) count.oneSided++;
    rcvbuf.min = Math.min(rcvbuf.min, row.rcvbuf);
    rcvbuf.max = Math.max(rcvbuf.max, row.rcvbuf);
  }
  lane.restart();
  return { ...count, artefacts, rcvbufBytes: count.opened > 0 ? rcvbuf : null, streams };
}

/** Whether two passes delivered the same bytes to the same sockets. */
export function sameDeliveries(a: Sockets, b: Sockets): boolean {
  if (a.streams.length !== b.streams.length) return false;
  return a.streams.every((row, i) => row.sha256 === b.streams[i]!.sha256);
}

function streamRecord(row: StreamRow, sha256: string): StreamRecord {
  return {
    src: formatAddress(addressBytes(row.src)),
    sport: row.sport,
    dst: formatAddress(addressBytes(row.dst)),
    dport: row.dport,
    bytes: row.bytes,
    sha256,
    gaps: row.gaps,
    end: row.end,
  };
}

function addressBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word);
  return bytes;
}
