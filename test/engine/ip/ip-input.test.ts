import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import {
  ACK,
  ethernet,
  IPV6_PAD,
  ipv4,
  ipv6,
  PROTO_ICMP,
  tcp,
  udp,
} from "../../../fixtures/frames.js";
import { IpRig } from "./ip-rig.js";

const V4 = { src: "10.0.0.1", dst: "10.0.0.2" };
const BODY = noise(100, 1);
const segment = (badChecksum = false) =>
  tcp({ ...V4, sport: 1, dport: 2, seq: 3, flags: ACK, payload: BODY, badChecksum });
const datagram = (badChecksum = false) =>
  ipv4({ ...V4, protocol: 6, payload: segment(badChecksum) });

/** The datagram with bytes changed: place, value, ... */
function patched(...changes: number[]): Uint8Array {
  const bytes = datagram();
  for (let i = 0; i < changes.length; i += 2) bytes[changes[i]!] = changes[i + 1]!;
  return bytes;
}

const optioned = (options: number[]) => ipv4({ ...V4, protocol: 6, payload: segment(), options });

/** A segment behind one extension header, whose first four bytes are given. */
function extended(type: number, bytes: number[]): Uint8Array {
  const extensions = [{ type, bytes: Uint8Array.of(...bytes, 0, 0, 0, 0) }];
  return ipv6({ src: "::1", dst: "::2", protocol: 6, payload: segment(), extensions });
}

function twoHops(): Uint8Array {
  const hop = { type: 0, bytes: IPV6_PAD };
  const of = { src: "::1", dst: "::2", protocol: 6, payload: segment() };
  return ipv6({ ...of, extensions: [hop, hop] });
}

describe("the network layer", () => {
  test("hands segments to TCP", () => {
    const rig = new IpRig().receive([datagram()]);
    expect(rig.tcp).toMatchObject([{ seq: 3, len: 100, payload: Buffer.from(BODY) }]);
    expect(rig.drops).toEqual({});
  });

  test.each([
    ["UDP", ipv4({ ...V4, protocol: 17, payload: udp(V4.src, V4.dst, [1, 2], BODY) }), "NO_SOCKET"],
    ["ICMP", ipv4({ ...V4, protocol: PROTO_ICMP, payload: BODY }), "NO_SOCKET"],
    ["an empty IPv6", ipv6({ src: "::1", dst: "::2", protocol: 59, payload: BODY }), "NO_SOCKET"],
    ["GRE", ipv4({ ...V4, protocol: 47, payload: BODY }), "IP_NOPROTO"],
    [
      "SCTP over IPv6",
      ipv6({ src: "::1", dst: "::2", protocol: 132, payload: BODY }),
      "IP_NOPROTO",
    ],
    ["a source route", optioned([131, 7, 4, 10, 0, 0, 9, 0]), "IP_INHDR"],
    ["an IPv6 option that nobody knows", extended(60, [6, 0, 0xc5, 4]), "UNHANDLED_PROTO"],
    ["an IPv6 route with segments left", extended(43, [6, 0, 0, 1]), "IP_INHDR"],
    ["a hop-by-hop header that is not the first", twoHops(), "IP_NOPROTO"],
    ["a cut IP header", datagram().subarray(0, 10), "IP_INHDR"],
    ["a cut IPv6 header", extended(60, [6, 0, 1, 4]).subarray(0, 39), "IP_INHDR"],
    ["IPv4 options that are cut", optioned([7, 7, 4, 0, 0, 0, 0, 0]).subarray(0, 27), "IP_INHDR"],
    ["a datagram that is cut", patched(2, 40), "PKT_TOO_SMALL"],
    ["a short IP header length", patched(0, 0x44), "IP_INHDR"],
    ["another IP version", patched(0, 0x55), "IP_INHDR"],
    ["a total length below the header's", patched(3, 19, 2, 0), "IP_INHDR"],
    ["a TCP header that is too long", patched(32, 0xf0, 3, 60, 2, 0), "PKT_TOO_SMALL"],
  ])("drops %s by name", (_, bytes, reason) => {
    const rig = new IpRig().receive([bytes]);
    expect(rig.drops).toEqual({ [reason]: 1 });
    expect(rig.waiting).toBe(0);
  });

  test("drops what is not IP by name", () => {
    const rig = new IpRig();
    rig.rig.arrive(ethernet(BODY, { etherType: 0x88cc }));
    const [got] = rig.rig.take();
    rig.input.receiveOther(got!.skb, got!.kind);
    expect(rig.drops).toEqual({ UNHANDLED_PROTO: 1 });
  });

  test("drops wrong checksums only where they are verified: the IP header's first", () => {
    const badTcp = datagram(true);
    const badIp = datagram();
    badIp[8] = 1;
    const both = datagram(true);
    both[8] = 1;
    expect(new IpRig().receive([badTcp, badIp, both]).tcp).toHaveLength(3);
    const rig = new IpRig({ verify: true }).receive([badTcp, badIp, both, datagram()]);
    expect(rig.drops).toEqual({ TCP_CSUM: 1, IP_CSUM: 2 });
    expect(rig.tcp).toHaveLength(1);
    expect(rig.rig.nic.badIpChecksums).toBe(2);
    expect(rig.rig.placement.badTcpChecksums).toBe(2);
  });

  test("reads the IP checksum over options too", () => {
    const options = [1, 1, 1, 1, 7, 3, 4, 0];
    const right = ipv4({ ...V4, protocol: 6, payload: segment(), options });
    const wrong = right.slice();
    wrong[27] = 1;
    const rig = new IpRig({ verify: true }).receive([right, wrong]);
    expect([rig.tcp.length, rig.drops]).toEqual([1, { IP_CSUM: 1 }]);
  });
});
