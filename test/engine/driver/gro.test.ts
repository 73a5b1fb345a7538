import { describe, expect, test } from "vitest";
import { GRO_BUCKETS, GRO_MAX_BYTES, MAX_GRO_SKBS } from "../../../src/engine/driver/gro.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import fc from "../../support/property.js";
import { GroRig, type GroSegment } from "./gro-rig.js";

const { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } = S;

/** What comes up of some segments, as sequence number and segments of each skb. */
function shape(...segments: GroSegment[]): string[] {
  const rig = new GroRig();
  const up = rig.receive(...segments).flush();
  expect(rig.out).toBe(0);
  expect(rig.slab.skbCount).toBe(0);
  expect(rig.slab.fragCount).toBe(0);
  return up.map(({ seq, segs }) => `${seq}x${segs}`);
}

/** A second segment behind the first of 1000 bytes, changed. */
const then = (change: GroSegment = {}): GroSegment[] => [{ seq: 0 }, { seq: 1000, ...change }];

describe("GRO merges", () => {
  test("consecutive segments of one flow, of either family", () => {
    expect(shape(...then())).toEqual(["0x2"]);
    expect(shape({ v6: true }, { seq: 1000, v6: true })).toEqual(["0x2"]);
    expect(shape({ seq: -500 }, { seq: 500 })).toEqual(["-500x2"]);
  });

  test("moves frags, adds lengths, keeps the head's words, frees the second head", () => {
    const rig = new GroRig();
    rig.receive({ frags: 2, flags: TCP_ACK });
    const out = rig.out;
    rig.receive({ seq: 1000, frags: 3, truesize: 5000, headTruesize: 800 });
    // Three more frags, and the second's head page is back.
    expect(rig.out).toBe(out + 3);
    const [up] = rig.flush();
    expect(up).toMatchObject({ len: 2000, segs: 2, gsoSize: 1000, frags: 5 });
    expect(up!.truesize).toBe(768 + 1024 + 5000 - 800);
    expect(new Set(up!.netmems).size).toBe(5);
  });

  test("a linear segment by stealing its head: the page stays, its skb struct goes", () => {
    const rig = new GroRig();
    rig.receive({ linear: true }, { seq: 1000, linear: true, truesize: 4000 });
    expect(rig.out).toBe(2);
    const [up] = rig.flush();
    expect(up).toMatchObject({ len: 2000, segs: 2, frags: 2 });
    expect(up!.truesize).toBe(768 + 1024 + 4000 - S.SKB_OVERHEAD_BYTES);
    expect(rig.out).toBe(0);
  });

  test("a shorter segment, and ends the batch with it", () => {
    expect(shape(...then({ len: 999 }), { seq: 1999 })).toEqual(["0x2", "1999x1"]);
  });

  test("a segment with PSH or FIN, and ends the batch with it", () => {
    for (const flag of [TCP_PSH, TCP_FIN]) {
      const rig = new GroRig();
      rig.receive(...then({ flags: TCP_ACK | flag }));
      expect(rig.up.map(({ segs, flags }) => [segs, flags & flag])).toEqual([[2, flag]]);
    }
  });

  test("a single held skb has no gso_size when it comes up", () => {
    const [up] = new GroRig().receive({}).flush();
    expect(up).toMatchObject({ segs: 1, gsoSize: 0 });
  });
});

test("beyond MAX_SKB_FRAGS GRO chains on the frag_list, with the truesize of the whole skb", () => {
  const many = Array.from({ length: S.MAX_SKB_FRAGS + 3 }, (_, i) => ({ seq: i * 1000 }));
  const [up, ...more] = new GroRig().receive(...many).flush();
  expect([up!.segs, up!.frags, more.length]).toEqual([20, 20, 0]);
  expect(up!.flags & S.SKF_FRAG_LIST).toBe(S.SKF_FRAG_LIST);
  expect(up!.truesize).toBe(20 * 1024 + 2 * 768);
  const [full] = new GroRig().receive({ frags: 9 }, { seq: 1000, frags: 8 }).flush();
  expect(full!.flags & S.SKF_FRAG_LIST).toBe(0);
});

describe("GRO does not hold", () => {
  test.each([
    ["no payload", { len: 0 }],
    ["PSH", { flags: TCP_ACK | TCP_PSH }],
    ["FIN", { flags: TCP_ACK | TCP_FIN }],
    ["URG", { flags: TCP_ACK | TCP_URG }],
    ["RST", { flags: TCP_ACK | TCP_RST }],
    ["SYN", { flags: TCP_SYN }],
    ["a wrong TCP checksum", { more: S.SKF_BAD_CSUM }],
    ["a wrong IP checksum", { more: S.SKF_BAD_IP_CSUM }],
  ])("a segment with %s", (_, segment) => {
    const rig = new GroRig().receive(segment);
    expect(rig.up).toHaveLength(1);
  });
});

describe("GRO flushes instead of merging where", () => {
  test.each<[string, GroSegment]>([
    ["there is a gap", { seq: 1001 }],
    ["there is an overlap", { seq: 999 }],
    ["it is the same again", { seq: 0 }],
    ["the acknowledgement differs", { ack: 6 }],
    ["the window differs", { window: 501 }],
    ["a flag differs: ECE", { flags: TCP_ACK | TCP_ECE }],
    ["a flag differs: URG", { flags: TCP_ACK | TCP_URG }],
    ["CWR is set", { flags: TCP_ACK | TCP_CWR }],
    ["SYN is set", { flags: TCP_ACK | TCP_SYN }],
    ["RST is set", { flags: TCP_ACK | TCP_RST }],
    ["ACK is missing", { flags: 0 }],
    ["it is longer than the first", { len: 1001 }],
    ["it is empty", { len: 0 }],
    ["there are options now", { options: [0x01010101] }],
    ["the type of service differs", { tos: 2 }],
    ["the time to live differs", { ttl: 63 }],
    ["DF differs", { df: false }],
    ["pp_recycle differs", { more: S.SKF_PP_RECYCLE }],
    ["readability differs", { more: S.SKF_UNREADABLE }],
    ["its checksum is wrong", { more: S.SKF_BAD_CSUM }],
  ])("%s", (_, change) => {
    const rig = new GroRig().receive(...then(change));
    // The held one is up at once, so that nothing overtakes it.
    expect(rig.up[0]).toMatchObject({ seq: 0, segs: 1 });
    const all = [...rig.up, ...rig.flush()];
    expect(new Set(all.map(({ skb }) => skb)).size).toBe(2);
    expect(rig.out).toBe(0);
  });

  test("options differ in one bit", () => {
    const options = [0x0101080a, 7, 9];
    expect(shape({ options }, { seq: 1000, options })).toEqual(["0x2"]);
    expect(shape({ options }, { seq: 1000, options: [0x0101080a, 8, 9] })).toHaveLength(2);
  });

  test("IPv6 traffic class or hop limit differ", () => {
    for (const change of [{ tos: 4 }, { ttl: 63 }]) {
      expect(shape({ v6: true }, { seq: 1000, v6: true, ...change })).toHaveLength(2);
    }
  });

  test("an identification neither counts up nor stays, or stays without DF", () => {
    const ids = (df: boolean, ...ipIds: number[]) =>
      shape(...ipIds.map((ipId, i) => ({ seq: i * 1000, ipId, df })));
    expect(ids(true, 5, 6, 7)).toEqual(["0x3"]);
    expect(ids(false, 65535, 0, 1)).toEqual(["0x3"]);
    expect(ids(true, 5, 5, 5)).toEqual(["0x3"]);
    expect(ids(false, 5, 5)).toHaveLength(2);
    expect(ids(true, 5, 7)).toHaveLength(2);
    expect(ids(true, 5, 5, 7)).toEqual(["0x2", "2000x1"]);
    expect(ids(true, 5, 6, 6)).toEqual(["0x2", "2000x1"]);
  });

  test("the whole would reach gro_max_size", () => {
    const half = GRO_MAX_BYTES / 2;
    expect(shape({ len: half }, { seq: half, len: half - 41 })).toEqual(["0x2"]);
    expect(shape({ len: half }, { seq: half, len: half - 40 })).toHaveLength(2);
  });
});

describe("another flow is not merged, nor flushed, where", () => {
  test.each<[string, GroSegment]>([
    ["the ports differ", { sport: 7 }],
    ["the address differs", { src: 0x0a000003 }],
    ["the hash differs in the same bucket", { hash: 8 }],
    ["the VLAN differs", { tags: 3 }],
  ])("%s", (_, change) => {
    const rig = new GroRig().receive(...then(change));
    expect(rig.up).toEqual([]);
    rig.receive({ seq: 1000 }, { seq: 2000, ...change });
    expect(rig.flush().map(({ segs }) => segs)).toEqual([2, 2]);
  });

  test("the IPv6 address differs, or the family does", () => {
    expect(shape({ v6: true }, { seq: 1000, v6: true, src: 9 })).toHaveLength(2);
    expect(shape({}, { seq: 1000, v6: true })).toHaveLength(2);
  });
});

describe("buckets", () => {
  test("hold 8 flows each; the ninth evicts the oldest", () => {
    const rig = new GroRig();
    const flow = (i: number) => ({ flow: i, hash: i * GRO_BUCKETS });
    for (let i = 0; i < MAX_GRO_SKBS; i++) rig.receive(flow(i));
    expect(rig.up).toEqual([]);
    rig.receive(flow(8));
    expect(rig.up.map(({ netmems }) => netmems.length)).toEqual([1]);
    // Flow 0 is the evicted one: its next segment is held anew, flow 1's is merged.
    rig.receive({ ...flow(1), seq: 1000 }, { ...flow(2), seq: 1000 });
    expect(rig.flush().map(({ segs }) => segs)).toEqual([1, 2, 2, 1, 1, 1, 1, 1, 1]);
  });

  test("are eight: flows of other buckets evict nobody", () => {
    const rig = new GroRig();
    for (let i = 0; i < GRO_BUCKETS * MAX_GRO_SKBS; i++) rig.receive({ flow: i });
    expect(rig.up).toEqual([]);
    expect(rig.flush()).toHaveLength(GRO_BUCKETS * MAX_GRO_SKBS);
  });

  test("a flush of one in the middle keeps the others, with their tags and ages", () => {
    const rig = new GroRig();
    const flow = (i: number, more: GroSegment = {}) => ({ flow: i, hash: i * 8, tags: i, ...more });
    rig.receive(flow(0), flow(1), flow(2), flow(3));
    rig.receive(flow(1, { seq: 1000, flags: TCP_ACK | TCP_PSH }));
    expect(rig.up.map(({ segs }) => segs)).toEqual([2]);
    for (const i of [0, 2, 3]) rig.receive(flow(i, { seq: 1000 }));
    expect(rig.flush().map(({ segs }) => segs)).toEqual([2, 2, 2, 2]);
  });
});

describe("the end of a poll", () => {
  test("hands up all; after a full budget only what is older than a jiffy", () => {
    const rig = new GroRig();
    rig.receive({ flow: 0 });
    rig.clock.nowNs = 999_000;
    rig.receive({ flow: 1 }, { flow: 8, hash: 8 });
    rig.clock.nowNs = 1_000_001;
    expect(rig.flush(true)).toHaveLength(1);
    expect(rig.flush(true)).toHaveLength(0);
    expect(rig.flush(false)).toHaveLength(2);
  });
});

/** Netmems of an skb's frags, in order. */
function netmemsOf({ slab }: GroRig, skb: number): number[] {
  const found: number[] = [];
  for (let f = slab.skbs[skb * S.SK_WORDS + S.SK_FRAG_HEAD]!; f >= 0; ) {
    found.push(slab.frags[f * S.FR_WORDS + S.FR_NETMEM]!);
    f = slab.frags[f * S.FR_WORDS + S.FR_NEXT]!;
  }
  return found;
}

test("whatever comes, each flow comes up whole, once, and in order", () => {
  const segment = fc.record({
    flow: fc.nat(11),
    len: fc.constantFrom(0, 1, 500, 1000, 1000, 1000, 20000),
    flags: fc.constantFrom(TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_CWR),
    skip: fc.constantFrom(0, 0, 0, 0, 10, -10),
    ack: fc.constantFrom(5, 5, 5, 6),
    frags: fc.nat(5),
    tags: fc.constantFrom(0, 0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 60 }), fc.nat(3), (segments, every) => {
      const rig = new GroRig();
      const next = new Array<number>(12).fill(0);
      const sent = new Map<number, number[]>();
      segments.forEach((of, i) => {
        const seq = next[of.flow]! + of.skip;
        next[of.flow] = seq + of.len;
        const id = of.flow * 2 + of.tags;
        const skb = rig.make({ ...of, id, seq, hash: of.flow, frags: Math.max(1, of.frags) });
        sent.set(id, [...(sent.get(id) ?? []), ...netmemsOf(rig, skb)]);
        rig.gro.receive(skb, of.tags);
        if (every > 0 && i % (every * 7) === 0) rig.gro.flushAll(false);
      });
      const up = rig.flush();
      expect(rig.out).toBe(0);
      expect(up.reduce((sum, { segs }) => sum + segs, 0)).toBe(segments.length);
      for (const [id, netmems] of sent) {
        const mine = up.filter((each) => each.id === id);
        expect(mine.flatMap((each) => each.netmems)).toEqual(netmems);
      }
      for (const { frags, len, flags } of up) {
        if (frags > S.MAX_SKB_FRAGS) expect(flags & S.SKF_FRAG_LIST).not.toBe(0);
        expect(len).toBeLessThan(GRO_MAX_BYTES);
      }
    }),
    { numRuns: 300 },
  );
});
