import { describe, expect, test } from "vitest";
import {
  ACK,
  ethernet,
  IPV6_PAD,
  ipv4,
  ipv6,
  ipv6Fragment,
  loopback,
  sll,
  sll2,
  tcp,
} from "../../../fixtures/frames.js";
import * as F from "../../../src/engine/wire/frame.js";
import fc from "../../support/property.js";
import { GuardedView } from "./guarded-view.js";

const AT = 64;
const LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147] as const;

/** Parses under guard, and checks what must hold of any frame whatever. */
function parse(bytes: Uint8Array, wire: number, linkType: number): F.Frame {
  const frame = new F.Frame();
  frame.parse(GuardedView.around(bytes, AT), AT, bytes.length, wire, linkType);
  const { kind, l3, l4, payload, payloadLen, headerLen, cutBytes, version } = frame;
  const end = AT + bytes.length;
  expect(kind).toBeGreaterThanOrEqual(F.FRAME_TCP);
  expect(kind).toBeLessThanOrEqual(F.FRAME_BAD);
  if (kind === F.FRAME_OTHER_IP) expect([4, 6]).toContain(version);
  if (kind !== F.FRAME_TCP && kind !== F.FRAME_FRAGMENT) return frame;
  expect(l3).toBeGreaterThanOrEqual(AT);
  expect(l4).toBeGreaterThanOrEqual(l3 + (version === 4 ? 20 : 40));
  expect(payload).toBeGreaterThanOrEqual(kind === F.FRAME_TCP ? l4 + 20 : l4);
  expect(headerLen).toBe(payload - AT);
  expect(payloadLen).toBeGreaterThanOrEqual(0);
  expect(payload + payloadLen).toBeLessThanOrEqual(end);
  expect(cutBytes).toBeGreaterThanOrEqual(0);
  expect(payload + payloadLen + cutBytes).toBeLessThanOrEqual(AT + wire);
  return frame;
}

/** A routing header whose segments are all visited. */
const VISITED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0);

/** A right frame of any link type, family and stack, and what of it must be found. */
const rightFrame = fc
  .record({
    linkType: fc.constantFrom(0, 1, 101, 108, 113, 276),
    six: fc.boolean(),
    tags: fc.array(fc.tuple(fc.constantFrom(0x8100, 0x88a8, 0x9100), fc.nat(0xffff)), {
      maxLength: 4,
    }),
    pppoe: fc.boolean(),
    pad: fc.boolean(),
    ipOptions: fc.nat(10),
    // Hop-by-hop options stand first or nowhere.
    extensions: fc
      .tuple(fc.boolean(), fc.array(fc.constantFrom(43, 60, 44), { maxLength: 5 }))
      .map(([hop, more]) => (hop ? [0, ...more] : more)),
    tcpOptions: fc.nat(10),
    seq: fc.nat(0xffffffff),
    sport: fc.nat(0xffff),
    payload: fc.uint8Array({ maxLength: 80 }),
  })
  .map((of) => ({ ...of, ...build(of) }));

function build(of: {
  linkType: number;
  six: boolean;
  tags: ReadonlyArray<readonly [number, number]>;
  pppoe: boolean;
  pad: boolean;
  ipOptions: number;
  extensions: readonly number[];
  tcpOptions: number;
  seq: number;
  sport: number;
  payload: Uint8Array;
}): { bytes: Uint8Array } {
  const ends = of.six ? { src: "fd00::1", dst: "fd00::2" } : { src: "10.0.0.1", dst: "10.0.0.2" };
  const nops = (words: number) => Array.from({ length: words * 4 }, () => 1);
  const { seq, sport, payload } = of;
  const options = nops(of.tcpOptions);
  const segment = tcp({ ...ends, sport, dport: 80, seq, flags: ACK, options, payload });
  const extensions = of.extensions.map((type) => ({
    type,
    bytes: type === 44 ? ipv6Fragment(0, false, 1) : type === 43 ? VISITED : IPV6_PAD,
  }));
  const datagram = of.six
    ? ipv6({ ...ends, protocol: 6, payload: segment, extensions })
    : ipv4({ ...ends, protocol: 6, payload: segment, options: nops(of.ipOptions) });
  const wrap: Record<number, () => Uint8Array> = {
    0: () => loopback(datagram, of.six ? 10 : 2, true),
    1: () => ethernet(datagram, of),
    101: () => datagram,
    108: () => loopback(datagram, of.six ? 24 : 2, false),
    113: () => sll(datagram),
    276: () => sll2(datagram),
  };
  return { bytes: wrap[of.linkType]!() };
}

const anyLink = fc.constantFrom(...LINK_TYPES);

describe("any bytes whatever", () => {
  test("never throw, are never read outside, and never yield lengths beyond the frame", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anyLink, fc.nat(100), (bytes, type, more) => {
        parse(bytes, bytes.length + more, type);
      }),
      { numRuns: 3000 },
    );
  });

  test("nor do right frames with wrong bytes in them, cut anywhere", () => {
    const damage = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(
        rightFrame,
        damage,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (f, hits, cut) => {
          const bytes = f.bytes.slice();
          for (const [at, value] of hits) if (at < bytes.length) bytes[at] = value;
          parse(bytes.subarray(0, Math.ceil(bytes.length * cut)), bytes.length, f.linkType);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

test("a right frame of any stack of headers gives its segment back", () => {
  fc.assert(
    fc.property(rightFrame, (of) => {
      const frame = parse(of.bytes, of.bytes.length, of.linkType);
      expect(frame.kind).toBe(F.FRAME_TCP);
      expect(frame.version).toBe(of.six ? 6 : 4);
      expect(frame.seq).toBe(of.seq | 0);
      expect(frame.ports).toBe((of.sport << 16) | 80);
      const at = frame.payload - AT;
      expect(of.bytes.subarray(at, at + frame.payloadLen)).toEqual(of.payload);
    }),
    { numRuns: 1500 },
  );
});
