import { describe, expect, it } from "vitest";
import { TCP_RST, TCP_SYN } from "../../../src/engine/skb/skb-slab.js";
import { handshake, text, World } from "./harness.js";

function opened(): World {
  const world = new World();
  handshake(world, 1000, 5000, { timestamps: true });
  world.send({ seq: 1001, ack: 5001, data: text("a"), tsval: 1000 });
  return world;
}

describe("PAWS", () => {
  it("drops data with a timestamp from the past", () => {
    const world = opened();
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 998 });
    expect(world.text(0)).toBe("a");
    expect(world.drop("TCP_RFC7323_PAWS")).toBe(1);
    expect(world.mib("PAWSEstab")).toBe(1);
  });

  it("tolerates one tick", () => {
    const world = opened();
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 999 });
    expect(world.text(0)).toBe("ab");
  });

  it("compares across the wrap of the timestamp clock", () => {
    const world = new World();
    handshake(world, 1000, 5000, { timestamps: true });
    world.send({ seq: 1001, ack: 5001, data: text("a"), tsval: 0xfffffff0 });
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 5 });
    expect(world.text(0)).toBe("ab");
  });

  it("drops an old pure ACK silently", () => {
    const world = opened();
    world.send({ seq: 1001, ack: 5001, tsval: 900 });
    expect(world.mib("PAWSOldAck")).toBe(1);
    expect(world.drop("TCP_RFC7323_PAWS_ACK")).toBe(1);
  });

  it("does not protect against an RST", () => {
    const world = opened();
    world.send({ seq: 1002, flags: TCP_RST, tsval: 1 });
    expect(world.stack.ended(0)).toBe(true);
  });

  it("forgets a timestamp after 24 days", () => {
    const world = opened();
    world.clock.nowNs += 25 * 86400 * 1e9;
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 1 });
    expect(world.text(0)).toBe("ab");
  });

  it("forgets it after 50 days too, when a clock of milliseconds has wrapped", () => {
    const world = opened();
    world.clock.nowNs += 20 * 86400 * 1e9;
    world.clock.rebase(20 * 86400);
    world.clock.nowNs += 30 * 86400 * 1e9;
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 1 });
    expect(world.text(0)).toBe("ab");
  });

  it("never fails against a ts_recent of 0", () => {
    const world = new World();
    handshake(world, 1000, 5000, { timestamps: true });
    world.send({ seq: 1001, ack: 5001, data: text("a"), tsval: 0 });
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 0xf0000000 });
    expect(world.text(0)).toBe("ab");
  });

  it.each([
    ["moves rcv_wup: it is answered at once", 1, "TCP_OLD_SEQUENCE"],
    ["that is tolerated waits for the delayed ACK", 1000, "TCP_OLD_DATA"],
  ] as const)("a segment %s", (_name, tsval, reason) => {
    const world = new World({ rcvbuf: "auto", reads: false });
    world.send({ seq: 1000, flags: TCP_SYN, mss: 1460, timestamps: true });
    // Beyond the quick ACKs of the start, so that an ACK is due and waits.
    for (let i = 0; i < 30; i++) {
      world.clock.nowNs += 1e6;
      world.send({ seq: 1001 + i, ack: 5001, data: text("a"), tsval: 1000 });
    }
    world.send({ seq: 1031, ack: 5001, data: text("b"), tsval });
    world.send({ seq: 1029, ack: 5001, data: text("a"), tsval: 1000 });
    expect(world.drop(reason)).toBe(1);
  });

  it("keeps its times when the clock's epoch moves", () => {
    const world = opened();
    world.clock.nowNs += 20 * 86400 * 1e9;
    world.clock.rebase(20 * 86400);
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 1 });
    expect(world.drop("TCP_RFC7323_PAWS")).toBe(1);
    world.clock.nowNs += 5 * 86400 * 1e9;
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 1 });
    expect(world.text(0)).toBe("ab");
  });

  it("does not apply where the SYN did not offer timestamps", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("a"), tsval: 1000 });
    world.send({ seq: 1002, ack: 5001, data: text("b"), tsval: 1 });
    expect(world.text(0)).toBe("ab");
  });
});
