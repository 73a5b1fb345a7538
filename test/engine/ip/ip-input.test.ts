import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import { ACK, ethernet, ipv4, ipv6, PROTO_ICMP, tcp, udp } from "../../../fixtures/frames.js";
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
    ["a cut IP header", datagram().subarray(0, 10), "PKT_TOO_SMALL"],
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
    wrong[22] = 0xff;
    const rig = new IpRig({ verify: true }).receive([right, wrong]);
    expect([rig.tcp.length, rig.drops]).toEqual([1, { IP_CSUM: 1 }]);
  });
});
