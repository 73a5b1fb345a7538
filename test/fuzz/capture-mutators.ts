import type { Prng } from "../../src/engine/clock/prng.js";
import { FRAME_MUTATORS } from "./frame-mutators.js";
import { between, LINK_TYPES, oddNumber, oneIn, type Packet, pick } from "./packet.js";

/** A capture under mutation: packets and the form in which they are written. */
export interface Genome {
  readonly linkType: number;
  readonly packets: readonly Packet[];
}

/** Packets that a capture under mutation has at most. */
export const MAX_PACKETS = 48;

type ListMutator = (prng: Prng, packets: Packet[]) => void;

const drop: ListMutator = (prng, packets) => {
  packets.splice(prng.below(packets.length), 1 + prng.below(3));
};

const double: ListMutator = (prng, packets) => {
  const at = prng.below(packets.length);
  packets.splice(prng.below(packets.length + 1), 0, { ...packets[at]! });
};

const swap: ListMutator = (prng, packets) => {
  const [a, b] = [prng.below(packets.length), prng.below(packets.length)];
  [packets[a], packets[b]] = [packets[b]!, packets[a]!];
};

const repeatRun: ListMutator = (prng, packets) => {
  const at = prng.below(packets.length);
  const run = packets.slice(at, at + between(prng, 1, 8)).map((packet) => ({ ...packet }));
  packets.splice(at, 0, ...run);
};

/** One timestamp, or all that follow it: back, by days, decades, or to the end of time. */
const times: ListMutator = (prng, packets) => {
  const at = prng.below(packets.length);
  const jump = pick(prng, [-86_400, -1, 1, 30, 61, 86_400, 2_160_000, 1e9, 3e9]);
  const last = oneIn(prng, 2) ? packets.length : at + 1;
  for (let i = at; i < last; i++) {
    const packet = packets[i]!;
    const seconds = oneIn(prng, 20) ? oddNumber(prng) : packet.seconds + jump;
    const nanoseconds = oneIn(prng, 10) ? oddNumber(prng) : packet.nanoseconds;
    packets[i] = { ...packet, seconds: Math.min(Math.max(seconds, 0), 2 ** 32 - 1), nanoseconds };
  }
};

/** A record that lies about its lengths. */
const lengths: ListMutator = (prng, packets) => {
  const at = prng.below(packets.length);
  const lie = oneIn(prng, 2) ? { claimedBytes: oddNumber(prng) } : { wireBytes: oddNumber(prng) };
  packets[at] = { ...packets[at]!, ...lie };
};

const LIST_MUTATORS: readonly ListMutator[] = [drop, double, swap, swap, repeatRun, times, lengths];

/** A changed copy of a capture; one packet in some comes from `other`. */
export function mutate(prng: Prng, genome: Genome, other: Genome): Genome {
  let linkType = genome.linkType;
  const packets = genome.packets.slice();
  for (let n = 1 + prng.below(5); n > 0 && packets.length > 0; n--) {
    if (oneIn(prng, 3)) {
      pick(prng, LIST_MUTATORS)(prng, packets);
      continue;
    }
    const at = prng.below(packets.length);
    const made = pick(prng, FRAME_MUTATORS)(prng, packets[at]!, linkType);
    if (made !== null) packets.splice(at, 1, ...made);
  }
  if (oneIn(prng, 8) && other.packets.length > 0) {
    const from = prng.below(other.packets.length);
    const run = other.packets.slice(from, from + between(prng, 1, 12));
    packets.splice(prng.below(packets.length + 1), 0, ...run);
  }
  if (oneIn(prng, 60)) linkType = pick(prng, LINK_TYPES);
  return { linkType, packets: packets.slice(0, MAX_PACKETS) };
}
