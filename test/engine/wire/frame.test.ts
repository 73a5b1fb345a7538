import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import {
  ACK,
  be16,
  be32,
  ethernet,
  fragment4,
  fragment6,
  IPV6_PAD,
  ipv4,
  ipv6,
  join,
  jumbogram,
  PROTO_TCP,
  PSH,
  tcp,
  udp,
} from "../../../fixtures/frames.js";
import * as F from "../../../src/engine/wire/frame.js";
import { MAX_EXTENSION_HEADERS } from "../../../src/engine/wire/ip-options.js";
import { LINKTYPE_ETHERNET } from "../../../src/engine/wire/link.js";
import { GuardedView } from "./guarded-view.js";

const AT = 48;
const BODY = noise(100, 1);

/** Parses a frame of which `captured` bytes are there. */
function parse(bytes: Uint8Array, captured = bytes.length, wire = bytes.length): F.Frame {
  const frame = new F.Frame();
  const held = bytes.subarray(0, captured);
  frame.parse(GuardedView.around(held, AT), AT, held.length, wire, LINKTYPE_ETHERNET);
  return frame;
}

const V4 = { src: "10.0.0.1", dst: "10.0.0.2" };
const V6 = { src: "fd00::1", dst: "fd00::2" };

function segment(ends = V4, more: Partial<Parameters<typeof tcp>[0]> = {}): Uint8Array {
  return tcp({
    ...ends,
    sport: 40000,
    dport: 80,
    seq: 0xfedcba98,
    ack: 0x89abcdef,
    flags: ACK | PSH,
    window: 0xabcd,
    payload: BODY,
    ...more,
  });
}

const datagram4 = (payload = segment(), more = {}) =>
  ipv4({ ...V4, protocol: PROTO_TCP, payload, ...more });
const datagram6 = (payload = segment(V6), extensions: Array<{ type: number; bytes: Uint8Array }>) =>
  ipv6({ ...V6, protocol: PROTO_TCP, payload, extensions });

describe("a TCP segment", () => {
  test("over IPv4 is read field by field", () => {
    expect(parse(ethernet(datagram4()))).toMatchObject({
      kind: F.FRAME_TCP,
      version: 4,
      l3: AT + 14,
      l4: AT + 34,
      proto: 6,
      headerLen: 54,
      payload: AT + 54,
      payloadLen: 100,
      cutBytes: 0,
      seq: 0xfedcba98 | 0,
      ack: 0x89abcdef | 0,
      flags: ACK | PSH,
      window: 0xabcd,
      saddr: 0x0a000001,
      daddr: 0x0a000002,
      ports: (40000 << 16) | 80,
      hasTimestamps: false,
    });
  });

  test("over IPv6 has no addresses of its own", () => {
    expect(parse(ethernet(datagram6(undefined, [])))).toMatchObject({
      kind: F.FRAME_TCP,
      version: 6,
      l4: AT + 54,
      payloadLen: 100,
      saddr: 0,
      daddr: 0,
    });
  });

  test("padding behind the datagram is no payload", () => {
    const short = ethernet(datagram4(segment(V4, { payload: BODY.subarray(0, 1) })), { pad: true });
    expect(short.length).toBe(60);
    expect(parse(short)).toMatchObject({ payloadLen: 1, cutBytes: 0 });
  });

  test.each([4, 8, 40])("behind %i bytes of IPv4 options", (bytes) => {
    const options = Array.from({ length: bytes }, () => 1);
    const frame = parse(ethernet(datagram4(segment(), { options })));
    expect(frame).toMatchObject({ kind: F.FRAME_TCP, l4: AT + 34 + bytes, payloadLen: 100 });
  });

  test("timestamps are found wherever they stand", () => {
    const ts = [8, 10, ...be32(0x01020304), ...be32(0xf1f2f3f4)];
    const found = { hasTimestamps: true, tsval: 0x01020304, tsecr: 0xf1f2f3f4 | 0 };
    for (const options of [
      [1, 1, ...ts],
      [...ts, 1, 1],
      [...ts, 0, 0],
      [2, 4, 5, 180, 4, 2, ...ts, 1, 3, 3, 7],
      [1, 1, 5, 10, ...be32(1), ...be32(2), 1, 1, ...ts],
    ]) {
      expect(parse(ethernet(datagram4(segment(V4, { options }))))).toMatchObject(found);
    }
  });

  test.each([
    ["behind the end of options", [0, 1, 8, 10, ...be32(1), ...be32(2)]],
    ["of another length", [8, 8, ...be32(1), 0, 0, 1, 1, 1, 1]],
    ["cut by the header's end", [1, 1, 1, 1, 1, 1, 1, 1, 8, 10, 0, 0]],
    ["behind an option of length 0", [9, 0, 8, 10, ...be32(1), ...be32(2)]],
    ["behind an option of length 1", [9, 1, 8, 10, ...be32(1), ...be32(2)]],
    ["whose length byte is missing", [1, 1, 1, 8]],
  ])("timestamps %s do not count", (_, options) => {
    const frame = parse(ethernet(datagram4(segment(V4, { options }))));
    expect(frame).toMatchObject({ kind: F.FRAME_TCP, hasTimestamps: false });
  });

  test("timestamps of the frame before are forgotten", () => {
    const frame = new F.Frame();
    const options = [1, 1, 8, 10, ...be32(1), ...be32(2)];
    for (const [bytes, has] of [
      [ethernet(datagram4(segment(V4, { options }))), true],
      [ethernet(datagram4()), false],
    ] as const) {
      frame.parse(GuardedView.around(bytes, AT), AT, bytes.length, bytes.length, LINKTYPE_ETHERNET);
      expect(frame.hasTimestamps).toBe(has);
    }
  });
});

describe("lengths that lie", () => {
  const with16 = (bytes: Uint8Array, at: number, value: number) => {
    const changed = bytes.slice();
    changed.set(be16(value), at);
    return changed;
  };
  const whole = ethernet(datagram4());

  test.each([
    ["total length shorter than the IP header", with16(whole, 16, 19)],
    ["total length that ends inside the TCP header", with16(whole, 16, 39)],
    ["total length beyond the frame", with16(whole, 16, 141)],
    ["an IP header shorter than 20 bytes", with16(whole, 14, 0x4400)],
    ["an IP header longer than the datagram", with16(with16(whole, 14, 0x4f00), 16, 40)],
    ["version 5 in an IPv4 frame", with16(whole, 14, 0x5500)],
    ["a TCP header shorter than 20 bytes", with16(whole, 14 + 32, 0x4018)],
    ["a TCP header longer than the datagram", with16(with16(whole, 46, 0xf018), 16, 60)],
    ["version 4 in an IPv6 frame", ethernet(datagram4(), { etherType: 0x86dd })],
    ["IPv6 payload beyond the frame", with16(ethernet(datagram6(undefined, [])), 18, 121)],
  ])("%s: bad", (_, bytes) => {
    expect(parse(bytes).kind).toBe(F.FRAME_BAD);
  });

  test("a jumbogram ends where its hop-by-hop header says, and nowhere else", () => {
    const of = { ...V6, protocol: PROTO_TCP, payload: segment(V6, { payload: noise(70_000, 2) }) };
    const whole = ethernet(jumbogram(of));
    const length = 8 + of.payload.length;
    const trailer = join(whole, [1, 2, 3]);
    expect(parse(trailer)).toMatchObject({ kind: F.FRAME_TCP, payloadLen: 70_000, cutBytes: 0 });
    expect(parse(trailer, 1000)).toMatchObject({
      kind: F.FRAME_TCP,
      cutBytes: 14 + 40 + length - 1000,
    });
    expect(parse(ethernet(jumbogram(of, length - 1)))).toMatchObject({ payloadLen: 69_999 });
    expect(parse(ethernet(jumbogram(of, length + 1))).kind).toBe(F.FRAME_BAD);
    // The same length in the IPv6 header is one too many.
    whole.set([0xff, 0xff], 14 + 4);
    expect(parse(whole).kind).toBe(F.FRAME_BAD);
  });

  test("a total length of 0 is a superpacket that fills the frame", () => {
    expect(parse(with16(whole, 16, 0))).toMatchObject({ kind: F.FRAME_TCP, payloadLen: 100 });
    const six = with16(ethernet(datagram6(undefined, [])), 18, 0);
    expect(parse(six)).toMatchObject({ kind: F.FRAME_TCP, payloadLen: 100 });
  });

  test("what the capture cut of the payload is known; cut headers are bad", () => {
    for (let captured = 0; captured < whole.length; captured++) {
      const frame = parse(whole, captured, whole.length);
      if (captured < 54) expect(frame.kind).toBe(F.FRAME_BAD);
      else {
        const payloadLen = captured - 54;
        expect(frame).toMatchObject({ kind: F.FRAME_TCP, payloadLen, cutBytes: 100 - payloadLen });
      }
    }
  });
});

describe("IPv6 extension headers", () => {
  const hop = { type: 0, bytes: IPV6_PAD };
  const options = { type: 60, bytes: IPV6_PAD };
  const routing = { type: 43, bytes: join([0, 2, 0, 0], new Uint8Array(20)) };

  test("are walked in any order", () => {
    for (const [extensions, bytes] of [
      [[hop], 8],
      [[hop, options, routing, options], 48],
      [[options, routing], 32],
    ] as const) {
      const frame = parse(ethernet(datagram6(undefined, [...extensions])));
      expect(frame).toMatchObject({ kind: F.FRAME_TCP, l4: AT + 54 + bytes, payloadLen: 100 });
    }
  });

  test("an atomic fragment is no fragment", () => {
    const atomic = { type: 44, bytes: Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 9) };
    const frame = parse(ethernet(datagram6(undefined, [hop, atomic])));
    expect(frame).toMatchObject({ kind: F.FRAME_TCP, payloadLen: 100 });
  });

  test("cut anywhere are bad, and never read beyond the cut", () => {
    const fragment = { type: 44, bytes: Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 9) };
    const frame = ethernet(datagram6(undefined, [hop, routing, fragment, options]));
    const headers = 14 + 40 + 8 + 24 + 8 + 8 + 20;
    for (let captured = 14; captured < headers; captured++) {
      expect(parse(frame, captured, frame.length).kind).toBe(F.FRAME_BAD);
    }
    expect(parse(frame, headers, frame.length)).toMatchObject({ kind: F.FRAME_TCP, cutBytes: 100 });
  });

  test("without end, or beyond the datagram, are bad or no TCP", () => {
    const many = Array.from({ length: MAX_EXTENSION_HEADERS + 1 }, () => options);
    expect(parse(ethernet(datagram6(undefined, many))).kind).not.toBe(F.FRAME_TCP);
    const long = { type: 60, bytes: Uint8Array.of(6, 255, 0, 0, 0, 0, 0, 0) };
    expect(parse(ethernet(datagram6(undefined, [long]))).kind).toBe(F.FRAME_BAD);
  });

  test("others than these hide what is behind them", () => {
    const esp = { type: 50, bytes: IPV6_PAD };
    expect(parse(ethernet(datagram6(undefined, [esp])))).toMatchObject({
      kind: F.FRAME_OTHER_IP,
      proto: 50,
    });
  });
});

describe("fragments", () => {
  test("of IPv4 say where they belong", () => {
    const parts = fragment4({ ...V4, protocol: PROTO_TCP, payload: segment(), id: 0x8123 }, 48);
    const frames = parts.map((part) => parse(ethernet(part)));
    expect(frames.map((frame) => frame.fragOffset)).toEqual([0, 48, 96]);
    expect(frames.map((frame) => frame.moreFragments)).toEqual([true, true, false]);
    expect(frames.map((frame) => frame.payloadLen)).toEqual([48, 48, 24]);
    for (const frame of frames) {
      expect(frame).toMatchObject({ kind: F.FRAME_FRAGMENT, fragId: 0x8123, proto: 6, ports: 0 });
    }
  });

  test("of IPv6 too, and the identification is 32 bits", () => {
    const of = { ...V6, protocol: PROTO_TCP, payload: segment(V6) };
    const frames = fragment6(of, 64, 0xf0000001).map((part) => parse(ethernet(part)));
    expect(frames.map((frame) => frame.fragOffset)).toEqual([0, 64]);
    expect(frames.map((frame) => frame.moreFragments)).toEqual([true, false]);
    expect(frames.map((frame) => frame.payloadLen)).toEqual([64, 56]);
    for (const frame of frames) {
      expect(frame).toMatchObject({ kind: F.FRAME_FRAGMENT, fragId: 0xf0000001 | 0, proto: 6 });
    }
  });
});

test("what is not TCP is told from what is not IP and from what is too short", () => {
  const dns = udp(V4.src, V4.dst, [53, 53], BODY);
  const other = ethernet(ipv4({ ...V4, protocol: 17, payload: dns }));
  expect(parse(other)).toMatchObject({ kind: F.FRAME_OTHER_IP, proto: 17, version: 4 });
  const arp = ethernet(new Uint8Array(28), { etherType: 0x0806 });
  expect(parse(arp)).toMatchObject({ kind: F.FRAME_OTHER, version: 0 });
  expect(parse(new Uint8Array(13)).kind).toBe(F.FRAME_BAD);
});

test("a segment in one piece keeps the IP fields of the frame before it", () => {
  const frame = parse(ethernet(datagram4()));
  const bytes = segment(V4, { seq: 7, payload: BODY.subarray(0, 40) });
  frame.parseSegment(GuardedView.around(bytes, AT), AT, AT + bytes.length);
  expect(frame).toMatchObject({ kind: F.FRAME_TCP, seq: 7, payloadLen: 40, version: 4 });
  frame.parseSegment(GuardedView.around(bytes.subarray(0, 19), AT), AT, AT + 19);
  expect(frame.kind).toBe(F.FRAME_BAD);
});
