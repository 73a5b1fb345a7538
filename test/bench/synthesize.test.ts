import { describe, expect, it } from "vitest";
import { type SynthesisOptions, synthesize, synthesizeParts } from "../../bench/synthesize.js";

/** A frame as an independent reader sees it. */
interface Frame {
  readonly ns: number;
  readonly length: number;
  readonly flow: string;
  readonly seq: number;
  readonly flags: number;
  readonly headerBytes: number;
  readonly payload: Uint8Array;
  readonly ipSum: number;
  readonly tcpSum: number;
}

/** One's complement sum of 16-bit words; 0xffff where the checksum within is right. */
function onesSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function frames(capture: Uint8Array): Frame[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  expect(view.getUint32(0, true)).toBe(0xa1b23c4d);
  expect(view.getUint32(20, true)).toBe(1);
  const found: Frame[] = [];
  let at = 24;
  while (at < capture.length) {
    const ns = (view.getUint32(at, true) - 1_700_000_000) * 1e9 + view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    const ip = capture.subarray(at + 16 + 14, at + 16 + length);
    const tcp = ip.subarray(20);
    const headerBytes = (tcp[12]! >> 4) * 4;
    const pseudo = onesSum(ip.subarray(12, 20), 6 + tcp.length);
    found.push({
      ns,
      length,
      flow: `${ip.subarray(12, 20)} ${tcp.subarray(0, 4)}`,
      seq: new DataView(tcp.buffer, tcp.byteOffset).getUint32(4),
      flags: tcp[13]!,
      headerBytes,
      payload: tcp.subarray(headerBytes),
      ipSum: onesSum(ip.subarray(0, 20)),
      tcpSum: onesSum(tcp, pseudo),
    });
    at += 16 + length;
  }
  expect(at).toBe(capture.length);
  return found;
}

const SMALL: SynthesisOptions = { frames: 640, segmentBytes: 1448, flows: 8, seed: 7 };

const data = (capture: Uint8Array) => frames(capture).filter((frame) => frame.payload.length > 0);

describe("synthesize", () => {
  it.each([1, 10, 11, 512, 1001, 1448, 8948, 65_483])("checksums hold at %i bytes", (bytes) => {
    const all = frames(synthesize({ ...SMALL, frames: 60, segmentBytes: bytes }));
    expect(all.length).toBe(60 + 3 * 8);
    expect(all.filter((frame) => frame.ipSum !== 0xffff || frame.tcpSum !== 0xffff)).toEqual([]);
  });

  it("makes frames of 1514 bytes with timestamps and of 64 bytes without", () => {
    const large = data(synthesize(SMALL));
    expect(new Set(large.map((frame) => frame.length))).toEqual(new Set([1514]));
    expect(new Set(large.map((frame) => frame.headerBytes))).toEqual(new Set([32]));
    const small = data(synthesize({ ...SMALL, segmentBytes: 10 }));
    expect(new Set(small.map((frame) => frame.length))).toEqual(new Set([64]));
    expect(new Set(small.map((frame) => frame.headerBytes))).toEqual(new Set([20]));
  });

  it("opens every flow before its data, in bursts of one", () => {
    const all = frames(synthesize(SMALL));
    expect(all.slice(0, 24).map((frame) => frame.flags)).toEqual(
      Array.from({ length: 8 }, () => [0x02, 0x12, 0x10]).flat(),
    );
    const flows = all.slice(24).map((frame) => frame.flow);
    expect(new Set(flows).size).toBe(8);
    const changes = flows.filter((flow, i) => i > 0 && flow !== flows[i - 1]).length;
    // A draw among eight stays with the same flow one time in eight.
    expect(changes / flows.length).toBeGreaterThan(0.8);
  });

  it("sends each flow in order from its ISN, PSH on every 16th segment", () => {
    const all = frames(synthesize(SMALL));
    const next = new Map<string, number>();
    const sent = new Map<string, number>();
    for (const { flow, flags, seq, payload } of all) {
      if (flags === 0x12) next.set(flow, (seq + 1) >>> 0);
      if (payload.length === 0) continue;
      const number = sent.get(flow) ?? 0;
      expect(seq).toBe(next.get(flow));
      expect(flags & 0x08).toBe(number % 16 === 15 ? 0x08 : 0);
      next.set(flow, (seq + payload.length) >>> 0);
      sent.set(flow, number + 1);
    }
  });

  it("reorders the share that was asked for, loses nothing and repeats nothing", () => {
    const reordered = data(synthesize({ ...SMALL, frames: 4000, reorderPercent: 5 }));
    const bySeq = new Map<string, number[]>();
    for (const { flow, seq } of reordered) bySeq.set(flow, [...(bySeq.get(flow) ?? []), seq]);
    let late = 0;
    for (const seqs of bySeq.values()) {
      // Within one flow of 500 segments sequence numbers wrap at most once: count from the least.
      const offsets = seqs.map((seq) => (seq - seqs[0]!) | 0);
      late += offsets.filter((offset, i) => i > 0 && offset < offsets[i - 1]!).length;
      const sorted = offsets.toSorted((a, b) => a - b);
      expect(sorted.every((offset, i) => i === 0 || offset === sorted[i - 1]! + 1448)).toBe(true);
    }
    expect(late / reordered.length).toBeGreaterThan(0.03);
    expect(late / reordered.length).toBeLessThan(0.07);
  });

  it("spaces frames by the gap, across whole seconds too", () => {
    const times = frames(synthesize({ ...SMALL, gapNs: 300_000_000 })).map((frame) => frame.ns);
    expect(times.every((ns, i) => ns === i * 300_000_000)).toBe(true);
    const usual = frames(synthesize(SMALL)).map((frame) => frame.ns);
    expect(usual.every((ns, i) => ns === i * 200)).toBe(true);
  });

  it("is the same for the same seed and another for another", () => {
    expect(Buffer.compare(synthesize(SMALL), synthesize(SMALL))).toBe(0);
    expect(Buffer.compare(synthesize(SMALL), synthesize({ ...SMALL, seed: 8 }))).not.toBe(0);
  });

  it("comes apart into handshakes and data, in time after one another", () => {
    const whole = frames(synthesize(SMALL));
    const parts = synthesizeParts(SMALL);
    const joined = [...frames(parts.handshakes), ...frames(parts.data)];
    const look = (frame: Frame) => `${frame.ns} ${frame.flow} ${frame.seq} ${frame.flags}`;
    expect(joined.map(look)).toEqual(whole.map(look));
    const midstream = frames(synthesize({ ...SMALL, handshake: false }));
    expect(midstream.length).toBe(SMALL.frames);
  });

  it("makes 20 MB well within a second or two", () => {
    const start = performance.now();
    const capture = synthesize({ frames: 250_000, segmentBytes: 10, flows: 64, seed: 1 });
    expect(capture.length).toBeGreaterThan(20_000_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it.each([
    ["frames", { frames: 0 }],
    ["frames", { frames: 1.5 }],
    ["segmentBytes", { segmentBytes: 0 }],
    ["segmentBytes", { segmentBytes: 65_484 }],
    ["flows", { flows: 0 }],
    ["reorderPercent", { reorderPercent: 101 }],
    ["reorderPercent", { reorderPercent: Number.NaN }],
  ])("refuses a wrong %s: %o", (name, wrong) => {
    expect(() => synthesize({ ...SMALL, ...wrong })).toThrow(new RegExp(name));
  });
});
