import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import {
  ACK,
  be32,
  fragment4,
  fragment6,
  IPV6_PAD,
  ipv4,
  join,
  PSH,
  tcp,
  udp,
} from "../../../fixtures/frames.js";
import { FRAG_HIGH_THRESH_BYTES } from "../../../src/engine/ip/defrag.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import fc from "../../support/property.js";
import { IpRig } from "./ip-rig.js";

const V4 = { src: "10.0.0.1", dst: "10.0.0.2" };
const V6 = { src: "fd00::1", dst: "fd00::2" };
const BODY = noise(1000, 3);

const segment = (ends = V4, more: Partial<Parameters<typeof tcp>[0]> = {}) =>
  tcp({
    ...ends,
    sport: 40000,
    dport: 80,
    seq: 0x89000000,
    ack: 77,
    flags: ACK | PSH,
    window: 999,
    options: [1, 1, 8, 10, ...be32(123), ...be32(45)],
    payload: BODY,
    ...more,
  });

const cut4 = (bytes: number, payload = segment(), id = 9) =>
  fragment4({ ...V4, protocol: 6, payload, id }, bytes);
const cut6 = (bytes: number, payload = segment(V6), id = 9) =>
  fragment6({ ...V6, protocol: 6, payload }, bytes, id);

/** One fragment of the segment, of any extent. */
const part = (from: number, to: number, more: boolean, payload = segment()) =>
  ipv4({
    ...V4,
    protocol: 6,
    payload: payload.subarray(from, to),
    id: 9,
    offset: from,
    moreFragments: more,
  });

function expectWhole(rig: IpRig): void {
  expect(rig.tcp).toHaveLength(1);
  expect(rig.tcp[0]).toMatchObject({
    seq: 0x89000000 | 0,
    ack: 77,
    window: 999,
    ports: (40000 << 16) | 80,
    len: BODY.length,
    tsval: 123,
    payload: Buffer.from(BODY),
  });
  expect(rig.tcp[0]!.flags & 0xff).toBe(ACK | PSH);
  expect(rig.tcp[0]!.flags & S.SKF_FRAG_LIST).toBe(S.SKF_FRAG_LIST);
  expect(rig.waiting).toBe(0);
}

const orders: ReadonlyArray<readonly [string, (parts: Uint8Array[]) => Uint8Array[]]> = [
  ["in order", (parts) => parts],
  ["last first", (parts) => [...parts].reverse()],
  ["the first last", (parts) => [...parts.slice(1), parts[0]!]],
  ["by turns", (parts) => [...parts.filter((_, i) => i % 2), ...parts.filter((_, i) => !(i % 2))]],
];

describe.each(orders)("fragments %s", (_, order) => {
  test.each([8, 16, 24, 56, 512])("of %i bytes join, the header spread over them", (bytes) => {
    const four = new IpRig().receive(order(cut4(bytes)));
    expectWhole(four);
    expect(four.drops).toEqual({});
    expectWhole(new IpRig().receive(order(cut6(bytes))));
  });
});

describe("a repeated fragment", () => {
  test("is dropped, and the datagram goes on", () => {
    const parts = cut4(104);
    const rig = new IpRig().receive([parts[0]!, parts[1]!, parts[0]!, ...parts.slice(1, 4)]);
    expect(rig.drops).toEqual({ DUP_FRAG: 2 });
    expectWhole(rig.receive(parts.slice(4)));
  });

  test("may be a part of one that came, or of a run of several", () => {
    const rig = new IpRig().receive([
      part(0, 400, true),
      part(400, 800, true),
      part(96, 200, true),
      // Both at once: the run holds all of it.
      part(0, 800, true),
      part(392, 408, true),
    ]);
    expect(rig.drops).toEqual({ DUP_FRAG: 3 });
    expectWhole(rig.receive([part(800, 1032, false)]));
  });

  test("after the datagram was joined waits for another one, in vain", () => {
    const parts = cut4(512);
    const rig = new IpRig().receive([...parts, parts[0]!]);
    expect(rig.tcp).toHaveLength(1);
    expect(rig.waiting).toBe(1);
    rig.defrag.expire(Number.POSITIVE_INFINITY);
    expect(rig.drops).toEqual({ FRAG_REASM_TIMEOUT: 1 });
  });
});

describe("what contradicts kills the datagram", () => {
  test.each([
    ["an overlap in front", [part(104, 208, true), part(0, 112, true)], { DUP_FRAG: 2 }],
    ["an overlap behind", [part(0, 104, true), part(96, 208, true)], { DUP_FRAG: 2 }],
    ["one that covers another", [part(104, 208, true), part(0, 312, true)], { DUP_FRAG: 2 }],
    // Contiguous, but the later part came first: two runs, so no repeat of one.
    [
      "one that covers two runs",
      [part(104, 208, true), part(0, 104, true), part(0, 208, true)],
      { DUP_FRAG: 3 },
    ],
    ["data behind the last", [part(800, 1032, false), part(1032, 1040, true)], { IP_INHDR: 2 }],
    ["a second, other end", [part(800, 1032, false), part(400, 440, false)], { IP_INHDR: 2 }],
    ["an end before what came", [part(104, 208, true), part(8, 96, false)], { IP_INHDR: 2 }],
    ["no data at all", [part(0, 104, true), part(104, 104, true)], { IP_INHDR: 2 }],
  ])("%s", (_, parts, drops) => {
    const rig = new IpRig().receive(parts);
    expect(rig.drops).toEqual(drops);
    expect([rig.waiting, rig.tcp.length]).toEqual([0, 0]);
    // The datagram begins anew with what comes later.
    expectWhole(rig.receive(cut4(512)));
  });
});

describe("odd lengths", () => {
  test("of a fragment that is not the last: IPv4 cuts it to eights", () => {
    const rig = new IpRig().receive([part(0, 107, true), part(104, 1032, false)]);
    expectWhole(rig);
    expect(rig.drops).toEqual({});
  });

  test("IPv6 refuses the fragment alone", () => {
    const parts = cut6(512);
    const odd = join(parts[0]!.subarray(0, -3));
    odd.set([0, odd.length - 40 - 256], 4);
    odd[4] = 1;
    const rig = new IpRig().receive([parts[1]!, odd, parts[0]!, ...parts.slice(2)]);
    expect(rig.drops).toEqual({ IP_INHDR: 1 });
    expectWhole(rig);
  });

  test("beyond the longest datagram: dropped", () => {
    const bytes = noise(1000, 1);
    const of = { ...V4, protocol: 6, payload: bytes, id: 9, offset: 65528, moreFragments: false };
    expect(new IpRig().receive([ipv4(of)]).drops).toEqual({ IP_INHDR: 1 });
  });
});

describe("datagrams are told apart", () => {
  test("by identification, by addresses, and over IPv4 by protocol", () => {
    const one = cut4(512, segment(), 1);
    const two = cut4(512, segment(), 2);
    const other = fragment4({ src: "10.0.0.3", dst: V4.dst, protocol: 6, payload: segment() }, 512);
    const dns = fragment4({ ...V4, protocol: 17, payload: noise(1032, 4), id: 1 }, 512);
    const rig = new IpRig().receive([one[0]!, two[0]!, dns[0]!, other[0]!, one[1]!, two[1]!]);
    expect(rig.tcp).toHaveLength(0);
    rig.receive([dns[1]!, dns[2]!, one[2]!, two[2]!]);
    expect(rig.tcp).toHaveLength(2);
    expect(rig.drops).toEqual({ NO_SOCKET: 3 });
    expect(rig.waiting).toBe(1);
  });

  test("over IPv6 the first fragment alone says what follows", () => {
    const parts = cut6(512);
    for (const each of parts.slice(1)) each[40] = 17;
    expectWhole(new IpRig().receive([parts[2]!, parts[0]!, parts[1]!]));
  });
});

describe("IPv6 headers behind the fragment header", () => {
  const behind = (headers: readonly Uint8Array[], first: number) => {
    const payload = join(...headers, segment(V6));
    return fragment6({ ...V6, protocol: first, payload }, 64, 9);
  };
  const options = (next: number) => join([next], IPV6_PAD.subarray(1));

  test("are walked when the datagram is whole", () => {
    expectWhole(new IpRig().receive(behind([options(6)], 60)));
    const long = join([60, 2], new Uint8Array(22));
    expectWhole(new IpRig().receive(behind([long, options(6)], 60)));
  });

  test("that no host has a handler for are dropped by that name", () => {
    for (const first of [0, 47, 132]) {
      const rig = new IpRig().receive(behind([options(6)], first));
      expect([rig.tcp.length, rig.drops]).toEqual([0, { IP_NOPROTO: rig.seen.length }]);
    }
  });

  test("that lead nowhere find no socket", () => {
    const rig = new IpRig().receive(behind([options(59)], 60));
    expect(rig.tcp).toEqual([]);
    expect(rig.drops.NO_SOCKET).toBe(rig.seen.length);
    expect(rig.waiting).toBe(0);
    const endless = new IpRig().receive(behind([join([60, 255], new Uint8Array(6))], 60));
    expect(endless.tcp).toEqual([]);
    expect(endless.waiting).toBe(0);
  });
});

describe("checksums of what was joined", () => {
  test("right ones are right, over odd lengths too", () => {
    for (const length of [999, 1000, 1]) {
      const payload = segment(V4, { payload: BODY.subarray(0, length) });
      const rig = new IpRig({ verify: true }).receive(cut4(16, payload));
      expect(rig.tcp.map(({ len }) => len)).toEqual([length]);
      expect(rig.defrag.badTcpChecksums).toBe(0);
    }
    const six = new IpRig({ verify: true }).receive(cut6(48));
    expect([six.tcp.length, six.defrag.badTcpChecksums]).toEqual([1, 0]);
  });

  test("wrong ones are counted, and dropped where they are verified", () => {
    const bad = cut4(512, segment(V4, { badChecksum: true }));
    const trust = new IpRig().receive(bad);
    expect([trust.tcp.length, trust.defrag.badTcpChecksums]).toEqual([1, 1]);
    const verify = new IpRig({ verify: true }).receive(bad);
    expect([verify.tcp.length, verify.defrag.badTcpChecksums]).toEqual([0, 1]);
    expect(verify.drops).toEqual({ TCP_CSUM: 1 });
    expect(verify.waiting).toBe(0);
  });

  test("a fragment with a wrong IP checksum never waits, where they are verified", () => {
    const parts = cut4(512);
    parts[1]![8] = 63;
    const rig = new IpRig({ verify: true }).receive(parts);
    expect(rig.drops).toEqual({ IP_CSUM: 1 });
    expect(rig.waiting).toBe(2);
    expectWhole(new IpRig().receive(parts));
  });
});

describe("time and memory", () => {
  test.each([
    ["IPv4", 30e9, cut4(512)],
    ["IPv6", 60e9, cut6(512)],
  ] as const)("%s waits so long from the first fragment on, and no longer", (_, ns, parts) => {
    expectWhole(new IpRig().receive(parts, ns / 2 - 1));
    const late = new IpRig().receive(parts.slice(0, 2), 1000).receive(parts.slice(2), ns);
    expect(late.tcp).toEqual([]);
    expect(late.drops).toEqual({ FRAG_REASM_TIMEOUT: 2 });
    expect(late.waiting).toBe(1);
  });

  test("the wait moves with the clock's epoch", () => {
    const rig = new IpRig().receive([cut4(512)[0]!]);
    const { clock } = rig.rig.rig;
    clock.nowNs = 100e9;
    rig.defrag.rebase(90e9);
    clock.nowNs = -61e9;
    rig.defrag.expire();
    expect(rig.waiting).toBe(1);
    clock.nowNs = -59e9;
    rig.defrag.expire();
    expect(rig.drops).toEqual({ FRAG_REASM_TIMEOUT: 1 });
  });

  test("above the high threshold nothing more is taken, until what waited too long is gone", () => {
    const rig = new IpRig({ netmems: 2048 });
    const [first] = cut4(512);
    for (let id = 0; id < 6000 && rig.drops.PROTO_MEM === undefined; id++) {
      // Checksums are trusted here.
      const other = first!.slice();
      other.set([id >> 8, id & 255], 4);
      rig.receive([other], 1000);
    }
    const truesize = rig.seen.slice(0, -1).reduce((sum, each) => sum + each.truesize, 0);
    expect(truesize).toBeGreaterThan(FRAG_HIGH_THRESH_BYTES);
    expect(truesize - rig.seen[0]!.truesize).toBeLessThanOrEqual(FRAG_HIGH_THRESH_BYTES);
    rig.receive(cut4(512).slice(1), 1000);
    expect(rig.drops).toEqual({ PROTO_MEM: 3 });
    rig.rig.rig.clock.nowNs += 31e9;
    expectWhole(rig.receive(cut4(512)));
  });
});

test("a header that does not fit into the datagram is no segment", () => {
  const tiny = segment().subarray(0, 16);
  expect(new IpRig().receive(cut4(8, tiny)).drops).toEqual({ PKT_TOO_SMALL: 1 });
  const lying = segment(V4, { payload: new Uint8Array(0), options: [] });
  lying[12] = 0xf0;
  const rig = new IpRig().receive(cut4(8, lying));
  expect(rig.drops).toEqual({ PKT_TOO_SMALL: 1 });
  expect(rig.waiting).toBe(0);
});

test("complete UDP finds no socket; each packet of it is counted", () => {
  const payload = udp(V4.src, V4.dst, [1, 2], BODY);
  const rig = new IpRig().receive(fragment4({ ...V4, protocol: 17, payload }, 512));
  expect(rig.drops).toEqual({ NO_SOCKET: 2 });
  expect(rig.waiting).toBe(0);
});

test("truesize of the whole is that of its fragments, and all comes back", () => {
  const rig = new IpRig().receive(cut4(256));
  const sum = rig.seen.reduce((total, { truesize }) => total + truesize, 0);
  expect(rig.tcp[0]!.truesize).toBe(sum);
  rig.rig.netdev.stop();
  for (const { payloadPool } of rig.rig.made) expect(payloadPool.inflight).toBe(0);
});

test("whatever is cut, mixed and repeated: the segment, or nothing", () => {
  const fragments = fc.record({
    bytes: fc.integer({ min: 1, max: 60 }).map((eights) => eights * 8),
    length: fc.integer({ min: 1, max: 1000 }),
    keys: fc.array(fc.nat(), { minLength: 140, maxLength: 140 }),
    repeats: fc.array(fc.nat(), { maxLength: 5 }),
    six: fc.boolean(),
    lost: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(fragments, ({ bytes, length, keys, repeats, six, lost }) => {
      const payload = segment(six ? V6 : V4, { payload: BODY.subarray(0, length) });
      const parts = six ? cut6(bytes, payload) : cut4(bytes, payload);
      if (parts.length === 1) return;
      if (lost !== null) parts.splice(lost % parts.length, 1);
      const mixed = parts
        .concat(repeats.map((each) => parts[each % parts.length]!))
        .map((datagram, i) => ({ datagram, key: keys[i]! }))
        .sort((a, b) => a.key - b.key);
      const rig = new IpRig({ verify: true }).receive(mixed.map(({ datagram }) => datagram));
      const want = Buffer.from(BODY.subarray(0, length));
      for (const each of rig.tcp) expect(each.payload).toEqual(want);
      if (lost !== null) expect(rig.tcp).toEqual([]);
      else {
        // A datagram that comes several times as a whole is joined as often.
        expect(rig.tcp.length).toBeGreaterThan(0);
        expect(rig.tcp.length).toBeLessThanOrEqual(Math.floor(mixed.length / parts.length));
      }
      rig.defrag.expire(Number.POSITIVE_INFINITY);
      expect(rig.waiting).toBe(0);
      expect(rig.rig.slab.fragCount).toBe(0);
    }),
    { numRuns: 40 },
  );
});
