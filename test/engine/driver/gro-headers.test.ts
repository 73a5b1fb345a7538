import { expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import { ACK, ethernet, ipv6, tcp } from "../../../fixtures/frames.js";
import { dataFrame, QueueRig } from "./queue-rig.js";

/** Segments of all frames that came up, in order. */
function segs(frames: readonly Uint8Array[]): number[] {
  const rig = new QueueRig({ napi: { rxUsecs: 50, rxFrames: 64 } });
  frames.forEach((frame, i) => {
    rig.arrive(frame, i * 100);
  });
  return rig.take().map((got) => got.segs);
}

const four = (seq: number, mac = 2) => {
  const frame = dataFrame(noise(500, seq), { sport: 9, seq });
  frame[5] = mac;
  return frame;
};

/** IPv6 data with a first word of its own: version, traffic class, flow label. */
function six(seq: number, label: number, trafficClass = 0): Uint8Array {
  const ends = { src: "2001:db8::1", dst: "2001:db8::2" };
  const payload = noise(500, seq);
  const segment = tcp({ ...ends, sport: 9, dport: 80, seq, flags: ACK, payload });
  const datagram = ipv6({ ...ends, protocol: 6, payload: segment });
  new DataView(datagram.buffer, datagram.byteOffset).setUint32(
    0,
    ((6 << 28) | (trafficClass << 20) | label) >>> 0,
  );
  return ethernet(datagram);
}

test("equal MAC headers merge, others are other flows and hold their own", () => {
  expect(segs([four(1), four(501)])).toEqual([2]);
  expect(segs([four(1), four(501, 3), four(501)])).toEqual([2, 1]);
});

test("another flow label is another flow: nothing is flushed for it", () => {
  expect(segs([six(1, 7), six(501, 7)])).toEqual([2]);
  expect(segs([six(1, 7), six(501, 8), six(501, 7)])).toEqual([2, 1]);
});

test("another traffic class flushes the flow", () => {
  expect(segs([six(1, 7), six(501, 7, 4), six(1001, 7, 4)])).toEqual([1, 2]);
});
