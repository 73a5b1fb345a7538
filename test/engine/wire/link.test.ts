import { describe, expect, test } from "vitest";
import {
  be16,
  be32,
  ethernet,
  ipv4,
  ipv6,
  join,
  le32,
  loopback,
  sll,
  sll2,
} from "../../../fixtures/frames.js";
import * as L from "../../../src/engine/wire/link.js";
import { GuardedView } from "./guarded-view.js";

const none = new Uint8Array(0);
const V4 = ipv4({ src: "10.0.0.1", dst: "10.0.0.2", protocol: 6, payload: none });
const V6 = ipv6({ src: "fd00::1", dst: "fd00::2", protocol: 6, payload: none });
const AT = 32;

/** Type and tags of a frame, and how far from its start the network header lies. */
function link(bytes: Uint8Array, linkType: number) {
  const link = new L.Link();
  link.parse(GuardedView.around(bytes, AT), AT, bytes.length, linkType);
  return { type: link.etherType, header: link.l3 - AT, tags: link.tags };
}

const tagsOf = (tags: ReadonlyArray<readonly [number, number]>, pppoe = false) =>
  link(ethernet(V4, { tags, pppoe }), L.LINKTYPE_ETHERNET);

describe("the network header is found", () => {
  test.each([
    ["Ethernet", L.LINKTYPE_ETHERNET, (d: Uint8Array) => ethernet(d), 14],
    ["Linux cooked", L.LINKTYPE_LINUX_SLL, (d: Uint8Array) => sll(d, 4), 16],
    ["Linux cooked v2", L.LINKTYPE_LINUX_SLL2, (d: Uint8Array) => sll2(d, 4), 20],
    ["raw", L.LINKTYPE_RAW, (d: Uint8Array) => d, 0],
    ["raw as BSD numbers it", L.LINKTYPE_RAW_BSD, (d: Uint8Array) => d, 0],
    ["raw as OpenBSD numbers it", L.LINKTYPE_RAW_OPENBSD, (d: Uint8Array) => d, 0],
    ["one VLAN", L.LINKTYPE_ETHERNET, (d: Uint8Array) => ethernet(d, { tags: [[0x8100, 5]] }), 18],
    ["PPPoE", L.LINKTYPE_ETHERNET, (d: Uint8Array) => ethernet(d, { pppoe: true }), 22],
  ] as const)("behind %s", (_, type, wrap, header) => {
    expect(link(wrap(V4), type)).toMatchObject({ type: L.ETHERTYPE_IPV4, header });
    expect(link(wrap(V6), type)).toMatchObject({ type: L.ETHERTYPE_IPV6, header });
  });

  test("in captures of one family only", () => {
    expect(link(V4, L.LINKTYPE_IPV4)).toMatchObject({ type: L.ETHERTYPE_IPV4, header: 0 });
    expect(link(V6, L.LINKTYPE_IPV6)).toMatchObject({ type: L.ETHERTYPE_IPV6, header: 0 });
  });

  test.each([2, 10, 24, 28, 30])("behind BSD loopback, family %i, in either order", (family) => {
    const type = family === 2 ? L.ETHERTYPE_IPV4 : L.ETHERTYPE_IPV6;
    const datagram = family === 2 ? V4 : V6;
    for (const little of [true, false]) {
      const frame = loopback(datagram, family, little);
      expect(link(frame, L.LINKTYPE_NULL)).toMatchObject({ type, header: 4 });
    }
    const frame = loopback(datagram, family, false);
    expect(link(frame, L.LINKTYPE_LOOP)).toMatchObject({ type, header: 4 });
  });

  test("behind a stack of tags of every kind, and a session in it", () => {
    const tags = [
      [0x88a8, 7],
      [0x9100, 8],
      [0x9200, 9],
      [0x8100, 10],
    ] as const;
    for (let n = 0; n <= tags.length; n++) {
      expect(tagsOf(tags.slice(0, n))).toMatchObject({ header: 14 + 4 * n });
      expect(tagsOf(tags.slice(0, n), true)).toMatchObject({ header: 22 + 4 * n });
    }
    // A cooked capture keeps the tag that its interface saw.
    const cooked = join(sll(V4).subarray(0, 14), be16(0x8100), be16(5), be16(0x0800), V4);
    expect(link(cooked, L.LINKTYPE_LINUX_SLL)).toMatchObject({
      type: L.ETHERTYPE_IPV4,
      header: 20,
    });
  });
});

describe("tags tell flows apart", () => {
  test("none is 0; other ids, orders and depths differ; priority bits do not", () => {
    const a = tagsOf([[0x8100, 5]]).tags;
    expect(tagsOf([]).tags).toBe(0);
    expect(tagsOf([[0x8100, 0xe005]]).tags).toBe(a);
    const others = [
      tagsOf([[0x8100, 6]]),
      tagsOf([[0x8100, 0]]),
      tagsOf([
        [0x88a8, 5],
        [0x8100, 6],
      ]),
      tagsOf([
        [0x88a8, 6],
        [0x8100, 5],
      ]),
      tagsOf([
        [0x88a8, 5],
        [0x8100, 5],
      ]),
      tagsOf([], true),
      tagsOf([[0x8100, 5]], true),
    ].map(({ tags }) => tags);
    expect(new Set([0, a, ...others]).size).toBe(others.length + 2);
  });
});

describe("what is no IP", () => {
  test("keeps its EtherType, or 0", () => {
    const arp = ethernet(new Uint8Array(28), { etherType: 0x0806 });
    expect(link(arp, L.LINKTYPE_ETHERNET).type).toBe(0x0806);
    const lcp = ethernet(V4, { pppoe: true });
    lcp.set([0xc0, 0x21], 20);
    expect(link(lcp, L.LINKTYPE_ETHERNET).type).toBe(0);
    expect(link(join(le32(7), V4), L.LINKTYPE_NULL).type).toBe(0);
    expect(link(join(be32(0), V4), L.LINKTYPE_LOOP).type).toBe(0);
    expect(link(Uint8Array.of(0x50, 0, 0), L.LINKTYPE_RAW).type).toBe(0);
  });

  test("a link type that nobody knows is never taken for IP", () => {
    for (const type of [9, 105, 127, 147, 220, 65535]) expect(link(V4, type).type).toBe(0);
  });
});

test("a frame cut anywhere in its link headers is short or no IP, and never read beyond", () => {
  const frames = [
    [
      ethernet(V4, {
        tags: [
          [0x88a8, 1],
          [0x8100, 2],
        ],
        pppoe: true,
      }),
      L.LINKTYPE_ETHERNET,
      30,
    ],
    [sll(V4), L.LINKTYPE_LINUX_SLL, 16],
    [sll2(V6), L.LINKTYPE_LINUX_SLL2, 20],
    [loopback(V4, 2, true), L.LINKTYPE_NULL, 4],
    [V4, L.LINKTYPE_RAW, 1],
  ] as const;
  for (const [frame, type, header] of frames) {
    for (let length = 0; length < header; length++) {
      const found = link(frame.subarray(0, length), type);
      expect([L.ETHERTYPE_IPV4, L.ETHERTYPE_IPV6]).not.toContain(found.type);
    }
    expect(link(frame.subarray(0, header), type).header).toBe(header === 1 ? 0 : header);
  }
});
