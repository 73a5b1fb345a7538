import { describe, expect, it } from "vitest";
import {
  MAX_SKB_FRAGS,
  SK_NEXT,
  SK_NR_FRAGS,
  SK_TRUESIZE,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_URG,
} from "../../../src/engine/skb/skb-slab.js";
import { HEAD_TRUESIZE, handshake, NETMEM_BYTES, reply, text, World } from "./harness.js";

describe("segments in order", () => {
  it("reach the reader, through header prediction after the first", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("hello "), window: 502 });
    world.send({ seq: 1007, ack: 5001, data: text("world"), window: 502 });
    expect(world.text(0)).toBe("hello world");
    expect(world.mib("TCPHPHits")).toBe(2);
    expect(world.outstanding).toBe(0);
    expect(world.slab.skbCount).toBe(0);
    expect(world.slab.fragCount).toBe(0);
  });

  it("of both directions go to two sockets of one connection", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("ping") });
    world.send(reply({ seq: 5001, ack: 1005, data: text("pong") }));
    expect(world.stack.sockets).toBe(2);
    expect([world.text(0), world.text(1)]).toEqual(["ping", "pong"]);
    const row = world.stack.streamOf(1);
    expect(row).toMatchObject({ sport: 2000, dport: 1000, bytes: 4, midStream: false });
    expect(row.src).toEqual([0x0a000002]);
  });

  it("tell the reader once until it has run dry", () => {
    const world = new World({ reads: false });
    handshake(world);
    for (let i = 0; i < 3; i++) world.send({ seq: 1001 + i, ack: 5001, data: text("x") });
    expect(world.told).toEqual([0]);
    world.read(0);
    world.send({ seq: 1004, ack: 5001, data: text("x") });
    expect(world.told).toEqual([0, 0]);
  });

  it("record the stack stage once for each frag and restamp it", () => {
    const world = new World({ reads: false });
    handshake(world);
    const skb = world.build({ seq: 1001, ack: 5001, data: text("abcdef"), frags: 3 });
    world.clock.nowNs += 500;
    world.cpu.spentNs = 0;
    world.stack.receive(skb);
    expect(world.stages.stack.total).toBe(3);
    expect(world.stages.stack.min).toBe(500 + 90);
    expect(Array.from(world.slab.fragTimes.subarray(0, 6)).filter((_, i) => i % 2)).toEqual([
      590, 590, 590,
    ]);
  });

  it("count urgent segments and deliver their bytes as any others", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, flags: TCP_ACK | TCP_URG, data: text("urgent") });
    expect(world.text(0)).toBe("urgent");
    expect(world.artefact("UrgentSegments")).toBe(1);
    expect(Object.keys(world.stack.mib.nonZero())).not.toContain("UrgentSegments");
  });

  it.each([
    ["ECE", TCP_ECE],
    ["CWR", TCP_CWR],
  ])("with %s are not predicted", (_name, flag) => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, flags: TCP_ACK | flag, data: text("ecn") });
    expect(world.text(0)).toBe("ecn");
    expect(world.mib("TCPHPHits")).toBe(0);
  });

  it("may be read in pieces; truesize stays charged until the skb is eaten", () => {
    const world = new World({ reads: false });
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("abcdef") });
    world.read(0, 2);
    world.stack.audit();
    expect(world.outstanding).toBe(1);
    expect(world.stack.copiedSeq(0)).toBe(1003);
    world.read(0);
    expect(world.text(0)).toBe("abcdef");
    expect(world.outstanding).toBe(0);
  });
});

describe("coalescing", () => {
  const truesizeOf = (world: World, skb: number) => world.slab.skbs[skb * SK_WORDS + SK_TRUESIZE]!;

  it("joins frags up to MAX_SKB_FRAGS and moves truesize less the merged heads", () => {
    const world = new World({ reads: false });
    handshake(world);
    for (let i = 0; i < 20; i++) world.send({ seq: 1001 + i, ack: 5001, data: text("x") });
    const head = world.stack.head(0);
    expect(world.slab.skbs[head * SK_WORDS + SK_NR_FRAGS]).toBe(MAX_SKB_FRAGS);
    expect(truesizeOf(world, head)).toBe(HEAD_TRUESIZE + MAX_SKB_FRAGS * NETMEM_BYTES);
    const next = world.slab.skbs[head * SK_WORDS + SK_NEXT]!;
    expect(world.slab.skbs[next * SK_WORDS + SK_NR_FRAGS]).toBe(3);
    expect(world.mib("TCPRcvCoalesce")).toBe(18);
    world.stack.audit();
  });

  it("refuses to mix readability", () => {
    const world = new World({ reads: false });
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("a"), unreadable: true });
    world.send({ seq: 1002, ack: 5001, data: text("b") });
    expect(world.mib("TCPRcvCoalesce")).toBe(0);
    world.stack.audit();
  });

  it("steals a head that holds payload: only the struct's overhead goes", () => {
    const world = new World({ reads: false });
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("a"), linear: true });
    world.send({ seq: 1002, ack: 5001, data: text("b"), linear: true });
    const head = world.stack.head(0);
    const each = HEAD_TRUESIZE + NETMEM_BYTES;
    expect(truesizeOf(world, head)).toBe(2 * each - SKB_OVERHEAD_BYTES);
    world.read(0);
    expect(world.text(0)).toBe("ab");
    expect(world.outstanding).toBe(0);
  });

  it("takes the FIN over", () => {
    const world = new World({ reads: false });
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("a") });
    world.send({ seq: 1002, ack: 5001, flags: TCP_ACK | TCP_FIN, data: text("b") });
    expect(world.stack.ended(0)).toBe(true);
    expect(world.stack.readableSeq(0)).toBe(1003);
    world.read(0);
    expect(world.text(0)).toBe("ab");
    expect(world.stack.streamOf(0).end).toBe("fin");
  });
});
