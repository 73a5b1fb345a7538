import { describe, expect, test } from "vitest";
import { noise, sha256 } from "../../../fixtures/conversation.js";
import { ACK, FIN, PSH } from "../../../fixtures/frames.js";
import { dataFrame, type QueueOptions, QueueRig } from "./queue-rig.js";

const BNXT = { driver: "bnxt", ring: 8, frees: false } as const;
const frame = (len: number, seed = 1) => dataFrame(noise(len, seed), { flags: ACK | PSH });

/** Segments of one flow that follow each other. */
function segments(lengths: readonly number[], last = ACK): Uint8Array[] {
  let seq = 1000;
  return lengths.map((len, i) => {
    const flags = i === lengths.length - 1 ? last : ACK;
    const made = dataFrame(noise(len, i), { sport: 7, seq, flags });
    seq += len;
    return made;
  });
}

function aggregated(lengths: readonly number[], options: QueueOptions = {}, last = ACK) {
  const rig = new QueueRig({ ...BNXT, napi: { rxUsecs: 50, rxFrames: 64 }, ...options });
  segments(lengths, last).forEach((each, i) => {
    rig.arrive(each, i * 100);
  });
  return { rig, got: rig.take() };
}

describe("replacement before delivery", () => {
  test("each buffer is replaced: the ring stays full while the stack keeps packets", () => {
    const rig = new QueueRig({ ...BNXT, netmems: 64 });
    for (let i = 0; i < 20; i++) rig.arrive(frame(1000, i));
    expect(rig.take()).toHaveLength(20);
    expect(rig.slots.payloads.room).toBe(8);
    rig.rig.pools.audit();
    rig.freeKept();
    rig.rig.pools.audit();
  });

  test("without a replacement the packet is dropped as rx_oom_discards, the ring full", () => {
    const rig = new QueueRig({ ...BNXT, netmems: 10 });
    for (let i = 0; i < 5; i++) rig.arrive(frame(1000, i));
    expect(rig.take()).toHaveLength(2);
    expect(rig.counter("rx_oom_discards")).toBe(3);
    expect(rig.drop("RX_ALLOC_FAIL")).toBe(3);
    expect([rig.counter("rx_discards"), rig.drop("RX_HW_DROP_OVERRUNS")]).toEqual([0, 0]);
    // Dropped packets are packets to the NIC.
    expect(rig.counter("rx_ucast_packets")).toBe(5);
    expect(rig.slots.payloads.room).toBe(8);
    rig.freeKept();
    rig.arrive(frame(1000, 9));
    expect(rig.take()).toHaveLength(1);
    rig.rig.pools.audit();
  });

  test("a packet of several buffers that gets only some gives those it got to the pool", () => {
    const rig = new QueueRig({ ...BNXT, netmems: 10 });
    rig.arrive(frame(3 * 4096));
    expect(rig.take()).toHaveLength(0);
    expect(rig.counter("rx_oom_discards")).toBe(1);
    expect(rig.slots.payloads.room).toBe(8);
    rig.arrive(frame(2 * 4096));
    expect(rig.take()).toHaveLength(1);
    rig.rig.pools.audit();
  });

  test("packets without payload pass while the provider is dry", () => {
    const rig = new QueueRig({ ...BNXT, netmems: 8 });
    rig.arrive(frame(100));
    rig.arrive(dataFrame(new Uint8Array(0)));
    expect(rig.take().map(({ len }) => len)).toEqual([0]);
  });

  test("the NIC drops what finds no posted buffer: rx_discards", () => {
    const rig = new QueueRig({ ...BNXT, napi: { rxUsecs: 100, rxFrames: 1000 } });
    for (let i = 0; i < 10; i++) rig.arrive(frame(100, i), 0);
    expect(rig.take()).toHaveLength(8);
    expect([rig.counter("rx_discards"), rig.drop("RX_HW_DROP_OVERRUNS")]).toEqual([2, 2]);
  });
});

describe("buffers", () => {
  test("a frag charges its whole rx page, a head what was copied", () => {
    const rig = new QueueRig(BNXT);
    rig.arrive(frame(100));
    const [got] = rig.take();
    expect(got!.truesize - got!.headTruesize).toBe(4096);
    expect([got!.headTruesize, got!.head]).toEqual([256 + 704, -1]);
  });

  test("larger rx pages lower the fill level, so that a ring's bytes stay the same", () => {
    const rig = new QueueRig({ ...BNXT, kind: "zcrx", ring: 16, netmemBytes: 16384, netmems: 64 });
    expect(rig.slots.payloads.room).toBe(4);
  });

  test("an unsplit packet's first 320 bytes lie in the head buffer, skb built around", () => {
    const split = { mode: "off", failEvery: 0 } as const;
    const rig = new QueueRig({ ...BNXT, kind: "page", split });
    const payload = noise(1000, 3);
    rig.arrive(dataFrame(payload));
    const [got] = rig.take();
    expect(got!.pieces.map(({ len }) => len)).toEqual([320 - 54, 1000 - (320 - 54)]);
    expect(got!.pieces[0]!.netmem).toBe(got!.head);
    expect(got!.sha256).toBe(sha256(payload));
    rig.freeKept();
    rig.rig.pools.audit();
  });

  test.each(["on", "off"] as const)(
    "a stop with completions out frees each head once, split %s",
    (mode) => {
      const split = { mode, failEvery: 0 };
      const napi = { rxUsecs: 100, rxFrames: 1000 };
      const rig = new QueueRig({ ...BNXT, kind: "page", split, napi });
      for (let i = 0; i < 3; i++) rig.arrive(frame(1000, i), 0);
      rig.netdev.stop();
      rig.rig.pools.audit();
      expect(rig.rig.pools.pools.every((pool) => pool === null || pool.freed)).toBe(true);
    },
  );

  test("an empty ring refuses the queue, a short one is logged", () => {
    expect(() => new QueueRig({ ...BNXT, netmems: 256, pages: 0 })).toThrow();
    const short = new QueueRig({ ...BNXT, netmems: 4 });
    expect(short.rig.pools.warnings.join()).toMatch(/init'ed rx ring 0 with 4\/8 pages only/);
  });
});

describe("hardware aggregation", () => {
  test("segments of a flow share a head and fill buffers without gaps", () => {
    const { rig, got } = aggregated([1448, 1448, 1448, 1448]);
    expect(got).toHaveLength(1);
    expect([got[0]!.segs, got[0]!.len]).toEqual([4, 4 * 1448]);
    expect(got[0]!.pieces.map(({ len }) => len)).toEqual([4096, 4 * 1448 - 4096]);
    const whole = [0, 1, 2, 3].flatMap((i) => [...noise(1448, i)]);
    expect(got[0]!.sha256).toBe(sha256(Uint8Array.from(whole)));
    expect(rig.counter("rx_hw_gro_packets")).toBe(1);
    expect(rig.counter("rx_hw_gro_wire_packets")).toBe(4);
    expect(rig.counter("rx_ucast_packets")).toBe(4);
    rig.freeKept();
    rig.rig.pools.audit();
  });

  test.each([
    ["PSH", [500, 500], ACK | PSH, 2],
    ["FIN", [500, 500], ACK | FIN, 2],
    ["a short segment", [500, 200, 500], ACK, 2],
    ["a longer segment", [500, 600], ACK, 1],
  ] as const)("%s ends it", (_what, lengths, last, first) => {
    const { got } = aggregated(lengths, {}, last);
    expect(got[0]!.segs).toBe(first);
    expect(got.reduce((sum, { len }) => sum + len, 0)).toBe(lengths.reduce((a, b) => a + b, 0));
  });

  test("a single segment is a plain packet", () => {
    const { rig, got } = aggregated([700]);
    expect(got[0]!.segs).toBe(1);
    expect(rig.counter("rx_hw_gro_packets")).toBe(0);
  });

  test("it ends at the last frag of an skb, and what follows begins another", () => {
    const lengths = Array.from({ length: 60 }, () => 1448);
    const { got } = aggregated(lengths, { ring: 64, napi: { rxUsecs: 500, rxFrames: 64 } });
    for (const { pieces, len } of got) {
      expect(pieces.length).toBeLessThanOrEqual(17);
      expect(len).toBeLessThan(65536);
    }
    expect(got.reduce((sum, { segs }) => sum + segs, 0)).toBe(60);
    expect(got.length).toBe(2);
  });

  test("without replacements the whole aggregation is dropped, once", () => {
    const { rig, got } = aggregated([1448, 1448, 1448, 1448], { netmems: 9 });
    expect(got).toHaveLength(0);
    expect([rig.counter("rx_oom_discards"), rig.slots.payloads.room]).toEqual([1, 8]);
    rig.rig.pools.audit();
  });
});
