import { describe, expect, test } from "vitest";
import { noise, sha256 } from "../../../fixtures/conversation.js";
import { ACK, ethernet, FIN, ipv4, PSH } from "../../../fixtures/frames.js";
import { MAX_CHUNK_BYTES } from "../../../src/engine/driver/placement.js";
import { FBNIC } from "../../../src/engine/driver/profile.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import { FRAME_FRAGMENT, FRAME_OTHER } from "../../../src/engine/wire/frame.js";
import fc from "../../support/property.js";
import { dataFrame, type Got, type QueueOptions, QueueRig } from "./queue-rig.js";

const up128 = (bytes: number) => Math.ceil(bytes / 128) * 128;

/** Frames with payloads of some lengths go through; what came up, each on its own. */
function placed(lengths: readonly number[], options: QueueOptions = {}): Got[] {
  const rig = new QueueRig({ frees: false, ...options });
  const payloads = lengths.map((length, i) => noise(length, i));
  for (const payload of payloads) rig.arrive(dataFrame(payload));
  const got = rig.take();
  expect(got.map((each) => each.sha256)).toEqual(payloads.map(sha256));
  rig.freeKept();
  return got;
}

const spots = (got: readonly Got[]) =>
  got.map(({ pieces }) => pieces.map(({ offset, len }) => [offset, len]));
const pages = (got: readonly Got[]) =>
  got.map(({ pieces }) => pieces.map(({ netmem }) => netmem - got[0]!.pieces[0]!.netmem));

describe("payload pieces", () => {
  test("are packed behind each other at multiples of 128", () => {
    expect(spots(placed([1, 128, 129, 200]))).toEqual([
      [[0, 1]],
      [[128, 128]],
      [[256, 129]],
      [[512, 200]],
    ]);
  });

  test("finish a page with less than packMin left: the last one's truesize is the rest", () => {
    const got = placed([1448, 1448, 1448]);
    // 1448 takes 1536; 2560 left; then 1024 left, too little: the second takes the rest.
    expect(spots(got)).toEqual([[[0, 1448]], [[1536, 1448]], [[0, 1448]]]);
    expect(pages(got)).toEqual([[0], [0], [1]]);
    expect(got.map(({ truesize, headTruesize }) => truesize - headTruesize)).toEqual([
      1536, 2560, 1536,
    ]);
  });

  test("exactly packMin left is packed on", () => {
    const left = FBNIC.packMinBytes;
    const got = placed([4096 - left, 100, 100]);
    expect(pages(got)).toEqual([[0], [0], [1]]);
    expect(got[1]!.truesize - got[1]!.headTruesize).toBe(left);
  });

  test("truesize counts a piece rounded up, and never less than the piece", () => {
    const [got] = placed([130]);
    expect(got!.truesize - got!.headTruesize).toBe(256);
    // Head room 64, 54 bytes of headers, tail room 320, rounded up; and struct sk_buff.
    expect(got!.headTruesize).toBe(S.SKB_OVERHEAD_BYTES + up128(64 + 54 + 320));
  });

  test("of a jumbo frame lie in several netmems", () => {
    const got = placed([8948, 8948]);
    expect(spots(got)).toEqual([
      [
        [0, 4096],
        [0, 4096],
        [0, 756],
      ],
      [
        [768, 3328],
        [0, 4096],
        [0, 1524],
      ],
    ]);
    expect(pages(got)).toEqual([
      [0, 1, 2],
      [2, 3, 4],
    ]);
    expect(got[0]!.truesize - got[0]!.headTruesize).toBe(2 * 4096 + 768);
  });

  test("never cross a hardware page, and several pages make one netmem of 16 KiB", () => {
    const got = placed([8948, 1448, 6000], { netmemBytes: 16384 });
    expect(spots(got)).toEqual([
      [
        [0, 4096],
        [4096, 4096],
        [8192, 756],
      ],
      [[8960, 1448]],
      [
        [10496, 1792],
        [12288, 4096],
        [0, 112],
      ],
    ]);
    expect(pages(got)).toEqual([[0, 0, 0], [0], [0, 0, 1]]);
  });
});

describe("headers", () => {
  test("go to a page of their own pool, eight to a page, and payload never beside them", () => {
    const rig = new QueueRig({ frees: false });
    for (let i = 0; i < 9; i++) rig.arrive(dataFrame(noise(100, i)));
    const got = rig.take();
    const { areaNetmems } = rig.rig.table;
    for (const { head, pieces, flags } of got) {
      expect(head).toBeGreaterThanOrEqual(areaNetmems);
      expect(pieces.every(({ netmem }) => netmem < areaNetmems)).toBe(true);
      expect(flags & (S.SKF_UNREADABLE | S.SKF_PP_RECYCLE | S.SKF_LINEAR)).toBe(
        S.SKF_UNREADABLE | S.SKF_PP_RECYCLE,
      );
    }
    expect(new Set(got.slice(0, 8).map(({ head }) => head)).size).toBe(1);
    expect(got[8]!.head).not.toBe(got[7]!.head);
  });

  test("of the page provider share the pool with the payload, and all is readable", () => {
    const rig = new QueueRig({ kind: "page" });
    expect(rig.made[0]!.headerPool).toBe(rig.made[0]!.payloadPool);
    rig.arrive(dataFrame(noise(100, 1)));
    const [got] = rig.take();
    expect(got!.flags & S.SKF_UNREADABLE).toBe(0);
    expect(got!.head).not.toBe(got!.pieces[0]!.netmem);
  });

  test("do not cross a hardware page of a larger netmem", () => {
    const rig = new QueueRig({ kind: "page", netmems: 256, netmemBytes: 16384, frees: false });
    const options = Array.from({ length: 40 }, () => 1);
    for (let i = 0; i < 30; i++) rig.arrive(dataFrame(noise(10, i), { options }));
    for (const { skb, headTruesize } of rig.take()) {
      const l3 = rig.slab.skbs[skb * S.SK_WORDS + S.SK_L3]!;
      const from = l3 - 14 - FBNIC.headRoomBytes;
      const to = from + headTruesize - S.SKB_OVERHEAD_BYTES - 1;
      expect(Math.floor(to / 4096)).toBe(Math.floor(from / 4096));
    }
  });

  test("alone, without payload, take no payload netmem", () => {
    const rig = new QueueRig();
    rig.arrive(dataFrame(noise(0, 1)));
    expect(rig.take()[0]).toMatchObject({ len: 0, pieces: [] });
    expect(rig.queue.payloads.offset).toBe(0);
  });

  test("are copied as they came", () => {
    const rig = new QueueRig({ frees: false });
    const options = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8];
    const frame = dataFrame(noise(33, 1), { options });
    rig.arrive(frame);
    const [got] = rig.take();
    const l3 = rig.slab.skbs[got!.skb * S.SK_WORDS + S.SK_L3]!;
    const headers = rig.arena.bytes.slice(l3 - 14, l3 + 52);
    expect(Buffer.from(headers)).toEqual(Buffer.from(frame.subarray(0, 66)));
    expect((l3 - 14) % 128).toBe(FBNIC.headRoomBytes);
  });
});

/** A superpacket: its IP length is 0, as segmentation offload leaves it. */
function superFrame(bytes: number, flags = ACK | PSH | FIN): Uint8Array {
  const frame = dataFrame(noise(bytes, 9), { sport: 7, seq: 1000, flags });
  frame.set([0, 0], 16);
  return frame;
}

describe("superpackets", () => {
  const BIG = 65_480;

  test("of up to 15 pages are one skb", () => {
    const [got, ...more] = placed([MAX_CHUNK_BYTES]);
    expect(more).toEqual([]);
    expect(got!.pieces).toHaveLength(15);
  });

  test("beyond are several packets, chained again by GRO, with FIN and PSH of the last", () => {
    const rig = new QueueRig({ frees: false });
    // Begins in the middle of a page: 18 frags in all.
    rig.arrive(dataFrame(noise(100, 1)));
    const before = rig.placement.dmaBytes;
    rig.arrive(superFrame(BIG));
    const [got, ...more] = rig.take().slice(1);
    expect(more).toEqual([]);
    expect(got).toMatchObject({ seq: 1000, len: BIG, segs: 2, sha256: sha256(noise(BIG, 9)) });
    expect(got!.pieces).toHaveLength(18);
    const flags = PSH | FIN | S.SKF_FRAG_LIST;
    expect(got!.flags & flags).toBe(flags);
    expect(rig.placement.dmaBytes - before).toBe(BIG + 2 * 54);
  });

  test("are joined again by GRO where the frags allow it", () => {
    const rig = new QueueRig();
    rig.arrive(superFrame(63_000));
    const got = rig.take();
    expect(got).toMatchObject([{ len: 63_000, segs: 2, sha256: sha256(noise(63_000, 9)) }]);
    expect(got[0]!.pieces).toHaveLength(16);
  });

  test("that begin in the middle of a page still fit into MAX_SKB_FRAGS", () => {
    const rig = new QueueRig({ frees: false });
    rig.arrive(dataFrame(noise(100, 1)));
    rig.arrive(superFrame(MAX_CHUNK_BYTES));
    const got = rig.take();
    expect(got[1]!.pieces).toHaveLength(16);
  });

  test("are checked once, over the whole", () => {
    const rig = new QueueRig({ verify: true });
    const frame = dataFrame(noise(63_000, 9), { sport: 7 });
    rig.arrive(frame);
    expect(rig.placement.badTcpChecksums).toBe(0);
    frame[60]! ^= 1;
    rig.arrive(frame);
    expect(rig.placement.badTcpChecksums).toBe(1);
    expect(rig.take().map(({ flags }) => (flags & S.SKF_BAD_CSUM) !== 0)).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("frames that are not split", () => {
  const off = { kind: "page", split: { mode: "off", failEvery: 0 } } as const;

  test("lie in the head as far as it reaches, and then in the payload page", () => {
    const got = placed([100, 3658, 3659, 8000], off);
    const fits = 4096 - 64 - 320;
    expect(got.map(({ flags }) => (flags & S.SKF_LINEAR) !== 0)).toEqual([true, true, true, true]);
    expect(got.map(({ pieces }) => pieces.map(({ len }) => len))).toEqual([
      [100],
      [fits - 54],
      [fits - 54, 1],
      [fits - 54, 4096 - 128, 8000 - (fits - 54) - 3968],
    ]);
    for (const { head, pieces } of got) expect(pieces[0]!.netmem).toBe(head);
    expect(got[1]!.headTruesize).toBe(S.SKB_OVERHEAD_BYTES + 4096);
  });

  test("with fail=N: every Nth segment", () => {
    const rig = new QueueRig({ split: { mode: "fail", failEvery: 3 } });
    for (let i = 0; i < 9; i++) rig.arrive(dataFrame(noise(50, i)));
    const linear = rig.take().map(({ flags }) => (flags & S.SKF_LINEAR) !== 0);
    expect(linear).toEqual([false, false, true, false, false, true, false, false, true]);
    expect(rig.nic.unsplit).toBe(3);
  });

  test("headers longer than the parser's reach are not split", () => {
    const rig = new QueueRig();
    const tags = Array.from({ length: 120 }, () => [0x8100, 1] as const);
    const inner = dataFrame(noise(50, 1)).subarray(14);
    rig.arrive(ethernet(inner, { tags }));
    const [got] = rig.take();
    expect(got!.flags & S.SKF_LINEAR).toBe(S.SKF_LINEAR);
    expect(got!.sha256).toBe(sha256(noise(50, 1)));
  });

  test("what is no TCP goes to a page queue, whole", () => {
    const rig = new QueueRig();
    const arp = ethernet(noise(28, 1), { etherType: 0x0806 });
    rig.arrive(arp);
    const [got] = rig.take();
    expect(got).toMatchObject({ kind: FRAME_OTHER, len: 42, queue: 1 });
    expect(got!.sha256).toBe(sha256(arp));
    expect(got!.flags & S.SKF_UNREADABLE).toBe(0);
  });

  test("a fragment's data is its payload, its place stands in the skb", () => {
    const rig = new QueueRig();
    const ends = { src: "10.0.0.1", dst: "10.0.0.2" };
    const payload = noise(80, 1);
    const of = { ...ends, protocol: 6, payload, id: 77, offset: 160, moreFragments: true };
    rig.arrive(ethernet(ipv4(of)));
    const [got] = rig.take();
    expect(got).toMatchObject({ kind: FRAME_FRAGMENT, len: 80, seq: 160 });
    expect(got!.sha256).toBe(sha256(payload));
  });
});

test("whatever the lengths: bytes intact, pieces apart, aligned, within their pages", () => {
  const length = fc.oneof(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 1300, max: 1500 }),
    fc.integer({ min: 3900, max: 9000 }),
  );
  const setup = fc.record({
    kind: fc.constantFrom("page", "devmem", "zcrx"),
    netmemBytes: fc.constantFrom(4096, 8192),
    split: fc.constantFrom(
      { mode: "on", failEvery: 0 } as const,
      { mode: "fail", failEvery: 1 } as const,
      { mode: "fail", failEvery: 2 } as const,
    ),
  });
  fc.assert(
    fc.property(fc.array(length, { minLength: 1, maxLength: 30 }), setup, (lengths, options) => {
      const rig = new QueueRig({ ...options, netmems: 256, frees: false });
      const sent = lengths.map((each, i) => noise(each, i));
      for (const payload of sent) rig.arrive(dataFrame(payload));
      const got = rig.take();
      expect(got.map((each) => each.sha256)).toEqual(sent.map(sha256));
      const taken = new Map<number, Array<readonly [number, number]>>();
      for (const { pieces, head, flags } of got) {
        for (const { netmem, offset, len } of pieces) {
          if (netmem === head && flags & S.SKF_LINEAR) continue;
          expect(offset % FBNIC.pieceAlignBytes).toBe(0);
          expect(Math.floor(offset / 4096)).toBe(Math.floor((offset + len - 1) / 4096));
          const others = taken.get(netmem) ?? [];
          for (const [from, to] of others) expect(offset >= to || offset + len <= from).toBe(true);
          taken.set(netmem, [...others, [offset, offset + len]]);
        }
      }
      for (const { truesize, headTruesize, pieces, head } of got) {
        const paged = pieces.filter(({ netmem }) => netmem !== head);
        const bytes = paged.reduce((sum, { len }) => sum + len, 0);
        expect(truesize - headTruesize).toBeGreaterThanOrEqual(bytes);
        expect(truesize - headTruesize).toBeLessThanOrEqual(paged.length * 4096);
      }
      rig.freeKept();
      rig.netdev.stop();
      rig.rig.pools.audit();
      expect(
        rig.rig.pools.pools.every((pool) => pool === null || pool.holdCnt === pool.releaseCnt),
      ).toBe(true);
    }),
    { numRuns: 60 },
  );
});
