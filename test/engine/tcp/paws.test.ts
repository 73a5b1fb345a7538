import { describe, expect, it } from "vitest";
import { TCP_RST } from "../../../src/engine/skb/skb-slab.js";
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
