import type { CounterStep } from "../../engine/backend/backend.js";
import { TCP_MIB } from "../../engine/tcp/mib.js";
import { EXIT, NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { formatEndpoint } from "../record/address.js";
import { jsonNumber, toDouble } from "../record/json-number.js";
import type { ParityDifference, ParityDocument } from "../record/parity.js";
import type { RunRecord, StreamRecord } from "../record/schema.js";
import type { ReplayHooks } from "./contract.js";
import { runNative } from "./native.js";
import { type ModelRun, replayStepByStep } from "./native-model.js";
import { type Place, packetsAt } from "./native-places.js";

/** Counters of time rather than of packets: the two clocks are not the same. */
const TIMED = new Set([
  "DelayedACKs",
  "DelayedACKLost",
  "TCPAckCompressed",
  "TCPACKSkippedPAWS",
  "TCPACKSkippedSeq",
  "TCPACKSkippedChallenge",
]);
/** Counters that are compared. */
const COMPARED = TCP_MIB.filter((name) => !TIMED.has(name));

/** The backend whose packets coalesce as a NIC driver's do. */
const COALESCING = "kernel-tcp-mmap";

/** Counters that the way of injecting decides, and why. */
const EXPLAINED: Readonly<Record<string, string>> = {
  TCPHPHits:
    "header prediction wants room in sk_forward_alloc, which a reader that keeps up gives back; " +
    "the model has no forward allocation",
  TCPRcvCoalesce:
    "skb_try_coalesce takes heads that are page fragments, as NIC drivers build them and TUN " +
    "does not",
};

/** Sent at most every tcp_invalid_ratelimit (500 ms) by a socket, and what counts the others. */
const CHALLENGE = "TCPChallengeACK";
const HELD_BACK = "TCPACKSkippedChallenge";
const BY_CLOCK =
  "a socket sends one challenge ACK every 500 ms (tcp_invalid_ratelimit), by the capture's clock " +
  `in the model and by the real one in the kernel; with ${HELD_BACK} both count as many`;

/** Why two kernels, and so one of them and the model, may read different bytes of a stream. */
const BY_COALESCING =
  "segments overlap with other bytes, and whether those before them were coalesced decides which " +
  "count: through veth, whose heads are page fragments, this kernel reads what the model reads";

/** Counters of the out-of-order queue: what was coalesced there decides what covers what. */
const BY_SHAPE = new Set(["TCPOFOMerge", "TCPDSACKOfoSent", "TCPDSACKOldSent"]);
const COUNTED_BY_COALESCING =
  "segments overlap out of order, and whether those before them were coalesced decides what is " +
  "merged: through veth, whose heads are page fragments, this kernel counts what the model counts";

/** Receive buffer of both sides. */
const RCVBUF_BYTES = 64 * 1024 * 1024;

/** What a comparison of one capture came to. */
export interface Parity {
  readonly document: ParityDocument;
  readonly exitCode: number;
}

/** Both runs of a capture. */
interface Pair {
  readonly model: ModelRun;
  readonly kernel: RunRecord;
  readonly steps: readonly CounterStep[];
}

/**
 * Replays a capture through the model and through a kernel, and compares stream by stream: bytes,
 * digest, end, and the TCP counters that both have. Both take one packet at a time and read after
 * each, so that neither merges what the other does not.
 *
 * @param locate whether counters are read after every packet, to tell where they part.
 */
export async function compareWithKernel(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
  locate: boolean,
): Promise<Parity> {
  const alike: ReplayConfig = {
    ...config,
    provider: ["page"],
    backend: "memory",
    natives: [],
    streams: true,
    loop: 1,
    budget: 1,
    rxFrames: 1,
    rxUsecs: 0,
    pacing: { mode: "topspeed" },
    // Both have a window of their own: the kernel cannot have the one that the capture shows.
    rcvbuf: RCVBUF_BYTES,
  };
  const model = await replayStepByStep(alike, path, COMPARED);
  const look = { readEvery: 1, traced: locate ? COMPARED : [] };
  const { run, trace } = await runNative(alike, "kernel-tcp", path, hooks, look);
  const pair = { model, kernel: run, steps: trace };
  const found = await streamDifferences(pair, path, alike);
  const counters = commonCounters(pair);
  for (const { name, model: here, kernel: there } of counters) {
    if (here === there) continue;
    const packet = locate ? whereTheyPart(name, model.steps, trace) : null;
    const explained = EXPLAINED[name] ?? (name === CHALLENGE ? whyChallenged(pair) : null);
    found.push({ kind: "counter", what: name, model: here, kernel: there, packet, explained });
  }
  if (found.some(({ kind, what }) => kind !== "counter" || BY_SHAPE.has(what))) {
    const coalescing = await replayCoalescing(alike, path, hooks);
    if (coalescing !== null) explainByCoalescing(found, model, coalescing);
  }
  const failing = found.filter(
    ({ kind, explained }) => kind !== "end" && kind !== "counter" && explained === null,
  );
  const { facts, streams } = model;
  const document: ParityDocument = {
    schema: "netmem.parity/1",
    capture: { path, sha256: facts.sha256, packets: facts.packets },
    backend: "kernel-tcp",
    streams: streams.length,
    equal: streams.length - failing.length,
    bytes: { model: jsonNumber(model.deliveredBytes), kernel: run.deliveredBytes },
    counters,
    differences: found,
  };
  const otherwise = facts.damage.length > 0 ? EXIT.captureUnreadable : EXIT.done;
  return { document, exitCode: failing.length > 0 ? EXIT.violated : otherwise };
}

function nameOf({ src, sport, dst, dport }: StreamRecord): string {
  return `${formatEndpoint(src, sport)} > ${formatEndpoint(dst, dport)}`;
}

/** The same through veth; null where this machine cannot, and what it would explain stays so. */
async function replayCoalescing(
  config: ReplayConfig,
  path: string,
  hooks: ReplayHooks,
): Promise<RunRecord | null> {
  try {
    return (await runNative(config, COALESCING, path, hooks, { readEvery: 1, traced: [] })).run;
  } catch (error) {
    if (error instanceof NetmemError && error.code === "NETMEM_BACKEND_UNAVAILABLE") return null;
    throw error;
  }
}

/** A difference between two runs' streams, and where it begins. */
interface Parting {
  readonly difference: Omit<ParityDifference, "packet" | "explained">;
  readonly place: Place;
}

/** Streams in which two runs differ; of several on the same endpoints, first with first. */
function partings(ours: readonly StreamRecord[], theirs: readonly StreamRecord[]): Parting[] {
  const found: Parting[] = [];
  const rest = new Map<string, StreamRecord[]>();
  for (const row of theirs) {
    const rows = rest.get(nameOf(row));
    if (rows === undefined) rest.set(nameOf(row), [row]);
    else rows.push(row);
  }
  const add = (difference: Parting["difference"], stream: StreamRecord, atByte: number) =>
    found.push({ difference, place: { stream, atByte } });
  for (const row of ours) {
    const what = nameOf(row);
    const other = rest.get(what)?.shift();
    if (other === undefined) {
      add({ kind: "missing", what, model: row.bytes, kernel: "no such stream" }, row, 0);
    } else if (other.bytes !== row.bytes) {
      const at = Math.min(toDouble(row.bytes), toDouble(other.bytes));
      add({ kind: "bytes", what, model: row.bytes, kernel: other.bytes }, row, at);
    } else if (other.sha256 !== row.sha256) {
      add({ kind: "digest", what, model: row.sha256, kernel: other.sha256 }, row, 0);
    } else if (other.end !== row.end) {
      add({ kind: "end", what, model: row.end, kernel: other.end }, row, toDouble(row.bytes));
    }
  }
  return found;
}

/** Streams in which model and kernel differ, each with the packet at which it begins. */
async function streamDifferences(
  { model, kernel }: Pair,
  path: string,
  config: ReplayConfig,
): Promise<ParityDifference[]> {
  const found = partings(model.streams, kernel.streams!);
  if (found.length === 0) return [];
  const places = found.map(({ place }) => place);
  const packets = await packetsAt(path, config, places);
  return found.map(({ difference }, i) => ({
    ...difference,
    packet: packets[i]!,
    explained: null,
  }));
}

/** Explains the streams and the counts that another run of the kernel has as the model has them. */
function explainByCoalescing(
  found: ParityDifference[],
  { streams }: ModelRun,
  coalescing: RunRecord,
): void {
  const still = new Set(
    partings(streams, coalescing.streams!).map(({ difference }) => difference.what),
  );
  found.forEach((difference, i) => {
    const { kind, what, model } = difference;
    if (kind !== "counter") {
      if (!still.has(what)) found[i] = { ...difference, explained: BY_COALESCING };
    } else if (BY_SHAPE.has(what) && (coalescing.tcp[what] ?? 0) === model) {
      found[i] = { ...difference, explained: COUNTED_BY_COALESCING };
    }
  });
}

/** The reason, if there were as many challenges on both sides, sent or held back. */
function whyChallenged({ model, kernel }: Pair): string | null {
  const all = ({ tcp }: Pick<ModelRun | RunRecord, "tcp">) =>
    toDouble(tcp[CHALLENGE] ?? 0) + toDouble(tcp[HELD_BACK] ?? 0);
  return all(model) === all(kernel) ? BY_CLOCK : null;
}

/** Counters of which either side has counted something. */
function commonCounters({ model, kernel }: Pair): ParityDocument["counters"] {
  return COMPARED.map((name) => ({
    name,
    model: model.tcp[name] ?? 0,
    kernel: kernel.tcp[name] ?? 0,
  })).filter((counter) => counter.model !== 0 || counter.kernel !== 0);
}

/** The first packet after which a counter stands differently on the two sides. */
function whereTheyPart(
  name: string,
  model: readonly CounterStep[],
  kernel: readonly CounterStep[],
): number | null {
  const ours = model.filter((step) => step.name === name);
  const theirs = kernel.filter((step) => step.name === name);
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const one = ours[i];
    const other = theirs[i];
    if (one === undefined || other === undefined) return (one ?? other)!.packet;
    if (one.packet !== other.packet) return Math.min(one.packet, other.packet);
    if (one.value !== other.value) return one.packet;
  }
  return null;
}
