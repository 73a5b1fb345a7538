import { describe, expect, it } from "vitest";
import { ipv4, tcp } from "../../fixtures/frames.js";
import { assignAddresses } from "../../src/engine/backend/flows/addresses.js";
import { checksumsRight } from "../../src/engine/backend/flows/checksum.js";
import { Coverage } from "../../src/engine/backend/flows/coverage.js";
import { type Connection, Direction } from "../../src/engine/backend/flows/direction.js";
import { Rewriter } from "../../src/engine/backend/flows/rewrite.js";
import { Survey } from "../../src/engine/backend/flows/survey.js";
import { Frame } from "../../src/engine/wire/frame.js";
import { LINKTYPE_RAW } from "../../src/engine/wire/link.js";
import fc from "../support/property.js";

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

interface Segment {
  readonly from?: number;
  readonly to?: number;
  readonly flags: number;
  readonly seq: number;
  readonly ack?: number;
  readonly payload?: string;
}

function sum(view: DataView, at: number, len: number): number {
  let total = 0;
  for (let i = 0; i < len; i++) total += view.getUint8(at + i) << ((i & 1) === 0 ? 8 : 0);
  return total;
}

function fold(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + (rest >>> 16);
  return rest;
}

/** An IPv4 packet with right checksums; host 1 is the client. */
function packet({ from = 1, to = 2, flags, seq, ack = 0, payload = "" }: Segment): DataView {
  const bytes = Buffer.alloc(40 + payload.length);
  bytes.writeUInt16BE(0x4500, 0);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes[8] = 64;
  bytes[9] = 6;
  bytes.set([10, 0, 0, from, 10, 0, 0, to], 12);
  bytes.writeUInt16BE(from, 20);
  bytes.writeUInt16BE(to, 22);
  bytes.writeUInt32BE(seq >>> 0, 24);
  bytes.writeUInt32BE(ack >>> 0, 28);
  bytes[32] = 0x50;
  bytes[33] = flags;
  bytes.write(payload, 40, "latin1");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint16(10, ~fold(sum(view, 0, 20)));
  const pseudo = sum(view, 12, 8) + 6 + bytes.length - 20;
  view.setUint16(36, ~fold(sum(view, 20, bytes.length - 20) + pseudo));
  return view;
}

const frame = new Frame();

function parse(view: DataView): Frame {
  frame.parse(view, 0, view.byteLength, view.byteLength, LINKTYPE_RAW);
  return frame;
}

/** What a survey makes of segments. */
function surveyed(...segments: Segment[]): Survey {
  const survey = new Survey();
  segments.forEach((segment, i) => {
    const view = packet(segment);
    survey.add(view, parse(view), i);
  });
  return survey;
}

describe("the bytes that were seen", () => {
  it("are those of a plain set, in whatever order and overlap they come", () => {
    const piece = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const coverage = new Coverage();
        const seen = new Set<number>();
        for (const [from, len] of pieces) {
          coverage.add(from, from + len);
          for (let i = from; i < from + len; i++) seen.add(i);
        }
        let next = 0;
        while (seen.has(next)) next++;
        const starts = [...seen].filter((i) => i > next && !seen.has(i - 1));
        expect([coverage.next, coverage.ahead]).toEqual([next, starts.length]);
      }),
    );
  });
});

describe("the survey", () => {
  it("starts a direction behind its SYN, and a half-seen one at its first data", () => {
    const both = surveyed(
      { flags: SYN, seq: 99 },
      { from: 2, to: 1, flags: SYN | ACK, seq: 499, ack: 100 },
      { flags: ACK, seq: 100, ack: 500, payload: "abc" },
    );
    expect(both.directions.map(({ start, midStream }) => [start, midStream])).toEqual([
      [100, false],
      [500, false],
    ]);
    const [half] = surveyed({ flags: ACK, seq: 777, payload: "abc" }).directions;
    expect([half!.start, half!.midStream, half!.seen.next]).toEqual([777, true, 3]);
  });

  it("learns from a SYN-ACK where the other direction starts", () => {
    const { directions } = surveyed({ from: 2, to: 1, flags: SYN | ACK, seq: 9, ack: 4242 });
    expect(directions.map(({ start }) => start)).toEqual([4242, 10]);
  });

  it("finds holes, and the packet behind them", () => {
    const [open] = surveyed(
      { flags: ACK, seq: 0, payload: "abc" },
      { flags: ACK, seq: 10, payload: "def" },
      { flags: ACK | FIN, seq: 13 },
    ).directions;
    expect([open!.seen.next, open!.seen.ahead, open!.holeAtPacket]).toEqual([3, 1, 1]);
    expect(open!.finished).toBe(false);
  });

  it("finds the hole in front of a FIN that brings nothing", () => {
    const [there] = surveyed(
      { flags: ACK, seq: 0, payload: "abc" },
      { flags: ACK | FIN, seq: 10 },
    ).directions;
    const [none] = surveyed(
      { flags: ACK, seq: 0, payload: "abc" },
      { flags: ACK | FIN, seq: 3 },
    ).directions;
    expect([there!.gaps, none!.gaps]).toEqual([1, 0]);
  });

  it("opens a new connection for a new ISN on the same endpoints", () => {
    const { connections } = surveyed(
      { flags: SYN, seq: 99 },
      { flags: ACK, seq: 100, payload: "abc" },
      { flags: SYN, seq: 5_000_000 },
      { flags: ACK, seq: 5_000_001, payload: "de" },
      { flags: ACK, seq: 103, payload: "late" },
    );
    expect(connections.map(({ directions }) => directions[0].seen.next)).toEqual([3, 2]);
  });

  it("takes a SYN-ACK that acknowledges the SYN's payload for its answer (RFC 7413)", () => {
    const flows = surveyed(
      { flags: SYN, seq: 100, payload: "abcd" },
      { from: 2, to: 1, flags: SYN | ACK, seq: 500, ack: 105 },
      { flags: ACK, seq: 105, ack: 501, payload: "ef" },
    );
    expect(flows.connections).toHaveLength(1);
    expect(flows.directions[0]!.seen.next).toBe(6);
  });

  it("goes on with a connection that a SYN without an answer interrupts", () => {
    const flows = surveyed(
      { flags: SYN, seq: 100 },
      { flags: ACK, seq: 101, payload: "ab" },
      { flags: SYN, seq: 7_000_000 },
      { flags: SYN, seq: 103 },
      { flags: ACK, seq: 103, payload: "cd" },
      { flags: ACK, seq: 105, payload: "ef" },
    );
    expect(flows.connections).toHaveLength(3);
    expect(flows.directions[0]!.seen.next).toBe(6);
  });

  it("takes nothing back that was read when a SYN comes late", () => {
    const late = [
      { flags: ACK, seq: 300, payload: "abc" },
      { flags: SYN, seq: 99 },
    ];
    expect(surveyed(...late).directions[0]!.seen).toMatchObject({ next: 0, ahead: 1 });
    const atOnce = new Survey(true);
    late.forEach((segment, i) => {
      const view = packet(segment);
      atOnce.add(view, parse(view), i);
    });
    expect(atOnce.connections.map(({ directions }) => directions[0].seen.next)).toEqual([3, 0]);
  });

  it("lets a SYN-ACK move the start under data out of order, not under what was read", () => {
    const open = [
      { from: 2, to: 1, flags: SYN | ACK, seq: 499, ack: 100 },
      { from: 2, to: 1, flags: ACK, seq: 700, ack: 100, payload: "abc" },
    ];
    const again = { from: 2, to: 1, flags: SYN | ACK, seq: 699, ack: 100 };
    const [, moved] = surveyed(...open, again).directions;
    expect([moved!.start, moved!.seen.next]).toEqual([700, 3]);
    const read = { from: 2, to: 1, flags: ACK, seq: 500, ack: 100, payload: "x" };
    const [, kept] = surveyed(...open, read, again).directions;
    expect([kept!.start, kept!.seen.next]).toEqual([500, 1]);
  });

  it("takes a RST at the next byte alone for an end", () => {
    const [there] = surveyed(
      { flags: ACK, seq: 0, payload: "abc" },
      { flags: RST, seq: 3 },
    ).directions;
    const [elsewhere] = surveyed(
      { flags: ACK, seq: 0, payload: "abc" },
      { flags: RST, seq: 2 },
    ).directions;
    expect([there!.reset, elsewhere!.reset]).toEqual([true, false]);
  });
});

describe("a rewritten segment", () => {
  it("keeps a right checksum right and a wrong one wrong", () => {
    for (const wrong of [0, 1]) {
      const view = packet({ flags: ACK, seq: 5, ack: 123_456, payload: "hello" });
      view.setUint16(36, view.getUint16(36) ^ wrong);
      const found = parse(view);
      expect(checksumsRight(view, found)).toBe(wrong === 0);
      const direction = new Direction(0, end(127, 1), end(127, 2));
      direction.ack = 0x7fff_1234;
      assignAddresses([{ directions: [direction, direction], previous: null, mapped: false }]);
      const rewriter = new Rewriter();
      expect(rewriter.rewrite(view, found, direction)).toBe(45);
      expect(rewriter.acks).toBe(1);
      expect([view.getUint32(28), view.getUint8(12)]).toEqual([0x7fff_1234, 198]);
      expect(checksumsRight(view, parse(view))).toBe(wrong === 0);
    }
  });
});

it("takes signatures off a segment, and nothing else", () => {
  const { src, dst } = { src: "10.0.0.1", dst: "10.0.0.2" };
  const others = [1, 3, 3, 7];
  const md5 = [1, 19, 18, ...Array.from({ length: 16 }, (_, i) => i)];
  const of = { src, dst, sport: 1, dport: 2, seq: 5, ack: 9, flags: ACK };
  const options = [...md5, ...others, 29, 4, 1, 1, 0];
  for (const badChecksum of [false, true]) {
    const bytes = ipv4({ src, dst, protocol: 6, payload: tcp({ ...of, options, badChecksum }) });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const direction = new Direction(0, end(10, 1), end(10, 2));
    direction.ack = 9;
    const rewriter = new Rewriter();
    rewriter.rewrite(view, parse(view), direction);
    expect([...bytes.subarray(40, 40 + options.length)]).toEqual([
      ...Array(19).fill(1),
      ...others,
      ...Array(4).fill(1),
      0,
    ]);
    expect([rewriter.signatures, rewriter.acks]).toEqual([1, 0]);
    expect(checksumsRight(view, parse(view))).toBe(!badChecksum);
  }
});

it("moves what was seen when the start of a stream moves", () => {
  const coverage = new Coverage();
  coverage.add(0, 10);
  coverage.add(20, 30);
  coverage.shift(5);
  expect([coverage.next, coverage.ahead]).toEqual([0, 2]);
  coverage.shift(-27);
  expect([coverage.next, coverage.ahead]).toEqual([8, 0]);
});

it("makes a segment of a SYN that brought payload", () => {
  const view = packet({ flags: SYN, seq: 5, payload: "hello" });
  const direction = new Direction(0, end(10, 1), end(10, 2));
  direction.ack = 0x7fff_1234;
  new Rewriter().rewrite(view, parse(view), direction);
  const found = parse(view);
  expect([found.flags, found.seq, found.ack]).toEqual([ACK, 6, 0x7fff_1234]);
  expect(checksumsRight(view, found)).toBe(true);
});

function end(first: number, last: number) {
  const address = Uint8Array.of(first, 0, 0, last);
  return { address, port: last, wireAddress: address, wirePort: last };
}

function connection(low: ReturnType<typeof end>, high: ReturnType<typeof end>): Connection {
  const directions = [new Direction(0, low, high), new Direction(1, high, low)] as const;
  return { directions, previous: null, mapped: false };
}

describe("addresses of the run", () => {
  it("replace those that a kernel refuses, and the second of equals", () => {
    const all = [
      connection(end(10, 1), end(10, 2)),
      connection(end(10, 1), end(10, 2)),
      connection(end(127, 1), end(127, 2)),
      connection(end(10, 1), end(224, 2)),
      connection(end(10, 3), { ...end(10, 3), port: 9, wirePort: 9 }),
      connection(end(10, 4), { ...end(10, 5), port: 0, wirePort: 0 }),
    ];
    expect(assignAddresses(all)).toBe(5);
    expect(all.map(({ mapped }) => mapped)).toEqual([false, true, true, true, true, true]);
    const wires = all.map(({ directions: [one] }) =>
      [...one.from.wireAddress, one.from.wirePort, ...one.to.wireAddress, one.to.wirePort].join(),
    );
    expect(new Set(wires).size).toBe(all.length);
    expect(all[5]!.directions[0].to.wirePort).toBe(1);
    expect(all[1]!.directions[0].from.address).toEqual(Uint8Array.of(10, 0, 0, 1));
  });
});
