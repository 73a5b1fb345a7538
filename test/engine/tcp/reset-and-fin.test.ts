import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN, TCP_RST } from "../../../src/engine/skb/skb-slab.js";
import { handshake, reply, text, World } from "./harness.js";

function opened(): World {
  const world = new World({ reads: false });
  handshake(world);
  world.send({ seq: 1001, ack: 5001, data: text("data") });
  return world;
}

describe("RST (invariant 42)", () => {
  it("at rcv_nxt ends the socket; the receive queue stays readable", () => {
    const world = opened();
    world.send({ seq: 1005, flags: TCP_RST });
    expect(world.stack.ended(0)).toBe(true);
    expect(world.drops.nonZero()).toEqual({});
    world.send({ seq: 1005, ack: 5001, data: text("late") });
    expect(world.drop("TCP_CLOSE")).toBe(1);
    world.read(0);
    expect(world.text(0)).toBe("data");
    expect(world.stack.streamOf(0).end).toBe("rst");
  });

  it("elsewhere in the window is only challenged", () => {
    const world = opened();
    world.send({ seq: 1006, flags: TCP_RST });
    expect(world.stack.ended(0)).toBe(false);
    expect(world.mib("TCPChallengeACK")).toBe(1);
    expect(world.drop("TCP_RESET")).toBe(1);
  });

  it("is challenged once in half a second", () => {
    const world = opened();
    world.clock.nowNs += 1e9;
    for (let i = 0; i < 3; i++) world.send({ seq: 1006 + i, flags: TCP_RST });
    expect(world.mib("TCPChallengeACK")).toBe(1);
    expect(world.mib("TCPACKSkippedChallenge")).toBe(2);
    world.clock.nowNs += 5e8;
    world.send({ seq: 1006, flags: TCP_RST });
    expect(world.mib("TCPChallengeACK")).toBe(2);
    expect(world.drop("TCP_RESET")).toBe(4);
  });

  it("without a socket has none", () => {
    const world = new World();
    world.send({ seq: 1, flags: TCP_RST });
    expect(world.drops.nonZero()).toEqual({ NO_SOCKET: 1 });
    expect(world.stack.sockets).toBe(0);
  });

  it("at the end of the highest SACK block is accepted", () => {
    const world = opened();
    world.send({ seq: 1010, ack: 5001, data: text("ofo") });
    world.send({ seq: 1013, flags: TCP_RST });
    expect(world.stack.ended(0)).toBe(true);
    world.stack.finish();
    expect(world.stack.streamOf(0)).toMatchObject({ end: "rst", gaps: 1 });
    expect(world.outstanding).toBe(0);
  });

  it("one before rcv_nxt is accepted once a FIN was received", () => {
    const world = opened();
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    world.send({ seq: 1005, flags: TCP_RST });
    expect(world.mib("TCPChallengeACK")).toBe(0);
    world.send({ seq: 1006, ack: 5001, data: text("x") });
    expect(world.drop("TCP_CLOSE")).toBe(1);
  });

  it("that the receiver sent does not close the model's socket", () => {
    const world = opened();
    world.send(reply({ seq: 5001, flags: TCP_RST }));
    world.send({ seq: 1005, ack: 5001, data: text(" more") });
    world.read(0);
    expect(world.text(0)).toBe("data more");
  });
});

describe("FIN", () => {
  it("ends the stream; what comes behind it is dropped", () => {
    const world = opened();
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    world.send({ seq: 1006, ack: 5001, data: text("behind") });
    world.read(0);
    expect(world.text(0)).toBe("data");
    expect(world.stack.readableSeq(0)).toBe(1005);
    expect(world.drop("TCP_CLOSE")).toBe(1);
  });

  it("takes no data that begins before it and ends beyond it", () => {
    const world = opened();
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    world.send({ seq: 1003, ack: 5001, data: text("ta and more") });
    expect(world.mib("TCPAbortOnData")).toBe(1);
    expect(world.drops.nonZero()).toEqual({ TCP_ABORT_ON_DATA: 1 });
    expect(world.stack.readableSeq(0)).toBe(1005);
    world.read(0);
    expect(world.text(0)).toBe("data");
  });

  it("purges what waits beyond it, and counts it", () => {
    const world = opened();
    world.send({ seq: 1010, ack: 5001, data: text("beyond"), gsoSegs: 3 });
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    expect(world.drops.nonZero()).toEqual({ NETMEM_OFO_AT_CLOSE: 3 });
  });

  it("may be retransmitted", () => {
    const world = opened();
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    world.send({ seq: 1005, ack: 5001, flags: TCP_ACK | TCP_FIN });
    expect(world.drop("TCP_OLD_DATA")).toBe(1);
    expect(world.stack.streamOf(0).end).toBe("fin");
  });
});

describe("close", () => {
  it("frees the receive queue, then the user frags, then the ofo queue (7.4)", () => {
    const world = opened();
    world.send({ seq: 1010, ack: 5001, data: text("ofo") });
    const held: number[] = [];
    world.releaseUserFrags = () => held.push(world.outstanding);
    world.stack.close(0);
    expect(held).toEqual([1]);
    expect(world.outstanding).toBe(0);
    expect(world.mib("TCPAbortOnClose")).toBe(1);
    expect(world.drop("NETMEM_OFO_AT_CLOSE")).toBe(1);
    world.send({ seq: 1005, ack: 5001, data: text("late") });
    expect(world.drop("TCP_CLOSE")).toBe(1);
  });
});
