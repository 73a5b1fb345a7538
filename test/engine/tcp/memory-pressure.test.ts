import { describe, expect, it } from "vitest";
import { TCP_SYN } from "../../../src/engine/skb/skb-slab.js";
import { type Segment, World, type WorldOptions } from "./harness.js";

const bulk = (length: number) => new Uint8Array(length).fill(97);

function opened(options: WorldOptions): World {
  const world = new World({ reads: false, ...options });
  world.send({ seq: 1000, flags: TCP_SYN, mss: 1460, windowScale: 7, sackPermitted: true });
  return world;
}

const put = (world: World, offset: number, length: number, more: Partial<Segment> = {}) => {
  world.send({ seq: 1001 + offset, ack: 5001, data: bulk(length), ...more });
  world.stack.audit();
};

describe("receive memory", () => {
  it("is collapsed where it can be read", () => {
    const world = opened({ rcvbuf: 10000 });
    for (let i = 0; i < 8; i++) put(world, i * 100, 100, { truesize: 4000 });
    expect(world.mib("TCPRcvCollapsed")).toBeGreaterThan(0);
    expect(world.drops.nonZero()).toEqual({});
    world.read(0);
    expect(world.bytes(0).length).toBe(800);
  });

  it("that is unreadable is never collapsed (invariant 41): the segment is refused", () => {
    const world = opened({ rcvbuf: 10000 });
    for (let i = 0; i < 8; i++) put(world, i * 100, 100, { truesize: 4000, unreadable: true });
    expect(world.mib("TCPRcvCollapsed")).toBe(0);
    expect(world.mib("PruneCalled")).toBeGreaterThan(0);
    expect(world.mib("RcvPruned")).toBeGreaterThan(0);
    expect(world.mib("TCPRcvQDrop")).toBe(world.drop("PROTO_MEM"));
    expect(world.drop("PROTO_MEM")).toBeGreaterThan(0);
  });

  it("of the out-of-order queue goes first, from the far end", () => {
    const world = opened({ rcvbuf: 10000 });
    const unreadable = { truesize: 5000, unreadable: true };
    for (let i = 0; i < 5; i++) put(world, 1000 + i * 200, 100, unreadable);
    expect(world.drop("PROTO_MEM")).toBe(0);
    put(world, 0, 1000, unreadable);
    expect(world.mib("OfoPruned")).toBe(1);
    expect(world.drop("TCP_OFO_QUEUE_PRUNE")).toBeGreaterThan(0);
    expect(world.read(0)).toBe(1100);
    expect(world.drop("PROTO_MEM")).toBe(0);
  });

  it("never refuses one in-order segment to an empty queue (invariant 39)", () => {
    const world = opened({ rcvbuf: 1 });
    put(world, 0, 1000, { truesize: 60000, unreadable: true });
    expect(world.read(0)).toBe(1000);
    expect(world.drops.nonZero()).toEqual({});
  });

  it.each([
    ["7.3", 0],
    ["7.0", 1],
  ])("profile %s: a segment that would pass the limit is refused %i times", (kernel, refused) => {
    const world = opened({ rcvbuf: 10000, kernel });
    put(world, 0, 4000, { truesize: 18000, unreadable: true });
    put(world, 4000, 2100, { truesize: 2400, unreadable: true });
    expect(world.drop("PROTO_MEM")).toBe(refused);
  });

  it("without SO_RCVBUF is overcommitted up to tcp_rmem[2] before anything goes", () => {
    const world = opened({ rcvbuf: "auto", netmems: 8192 });
    for (let i = 0; i < 100; i++) put(world, i * 100, 100, { truesize: 20000, unreadable: true });
    expect(world.drops.nonZero()).toEqual({});
    expect(world.stack.streamOf(0).rcvbuf).toBeGreaterThan(1000000);
  });
});
