import { classic } from "../../fixtures/capture-file.js";
import { Conversation, noise, sha256 } from "../../fixtures/conversation.js";
import { ethernet } from "../../fixtures/frames.js";
import { Prng } from "../../src/engine/clock/prng.js";

/** A path between a sender and the NIC that captures. */
export interface Path {
  /** Segments that the path loses, in percent; the sender sends them again. */
  readonly loss: number;
  /** Segments that take a longer way, in percent. */
  readonly reorder: number;
  readonly seed: number;
}

const MSS = 1000;
const SEGMENTS = 200;
const GAP_US = 20;
const RETRANSMIT_US = 700;
const LATE_US = [60, 300] as const;
const ETHERNET = 1;

/** What the sender sent, and what the NIC saw of it. */
export interface Traffic {
  readonly capture: Uint8Array;
  readonly bytes: number;
  readonly sha256: string;
  /** Segments that arrived behind a later one. */
  readonly late: number;
}

/**
 * One connection: the sender's segments leave every 20 us; a lost one is sent again 700 us later,
 * as often as it is lost; one that takes the long way is 60 to 300 us late.
 */
export function traffic({ loss, reorder, seed }: Path): Traffic {
  const prng = new Prng(seed);
  const happens = (percent: number) => prng.below(100_000) < percent * 1000;
  const body = noise(SEGMENTS * MSS, seed);
  const arrivals = Array.from({ length: SEGMENTS }, (_, i) => {
    let us = 1000 + i * GAP_US;
    while (happens(loss)) us += RETRANSMIT_US;
    if (happens(reorder)) us += LATE_US[0] + prng.below(LATE_US[1] - LATE_US[0]);
    return { i, us };
  }).sort((a, b) => a.us - b.us || a.i - b.i);
  const talk = new Conversation({ timestamps: true }).open();
  const times = [0, 100, 200];
  for (const { i, us } of arrivals) {
    talk.segment("client", i * MSS, body.subarray(i * MSS, (i + 1) * MSS), { flags: 0x10 });
    times.push(us);
  }
  talk.advance("client", body.length).close();
  for (let k = 0; k < 4; k++) times.push(times.at(-1)! + 1000);
  const packets = talk.packets.map((datagram, k) => ({
    seconds: 1_700_000_000,
    nanoseconds: times[k]! * 1000,
    bytes: ethernet(datagram),
  }));
  const late = arrivals.filter(({ i }, k) => arrivals.slice(0, k).some((each) => each.i > i));
  return {
    capture: classic({ linkType: ETHERNET }, packets),
    bytes: body.length,
    sha256: sha256(body),
    late: late.length,
  };
}
