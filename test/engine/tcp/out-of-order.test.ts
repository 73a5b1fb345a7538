import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN } from "../../../src/engine/skb/skb-slab.js";
import { handshake, text, World } from "./harness.js";

function opened(): World {
  const world = new World();
  handshake(world);
  return world;
}

const put = (world: World, offset: number, value: string, flags = TCP_ACK) => {
  world.send({ seq: 1001 + offset, ack: 5001, window: 502, flags, data: text(value) });
  world.stack.audit();
};

describe("segments out of order", () => {
  it("wait for the hole to be filled, then come in order", () => {
    const world = opened();
    put(world, 4, "ef");
    put(world, 2, "cd");
    expect(world.text(0)).toBe("");
    expect(world.stack.streamOf(0)).toMatchObject({ end: "hole", gaps: 1 });
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcdef");
    expect(world.mib("TCPOFOQueue")).toBe(2);
    expect(world.stack.streamOf(0)).toMatchObject({ end: "open", gaps: 0 });
  });

  it("count the wait in the stack stage", () => {
    const world = opened();
    put(world, 1, "b");
    world.clock.nowNs += 1000000;
    put(world, 0, "a");
    expect(world.stages.stack.max).toBeGreaterThanOrEqual(1000000);
  });

  it("are dropped when the queue covers them already", () => {
    const world = opened();
    put(world, 2, "cdef");
    put(world, 3, "XX");
    expect(world.drop("TCP_OFOMERGE")).toBe(1);
    expect(world.mib("TCPOFOMerge")).toBe(1);
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcdef");
  });

  it("replace a shorter one that starts at the same place", () => {
    const world = opened();
    put(world, 2, "cd");
    put(world, 2, "cdef");
    expect(world.drop("TCP_OFOMERGE")).toBe(1);
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcdef");
  });

  it("swallow the followers that they cover", () => {
    const world = opened();
    put(world, 4, "e");
    put(world, 6, "g");
    put(world, 8, "ij");
    put(world, 3, "defghi");
    expect(world.drop("TCP_OFOMERGE")).toBe(2);
    put(world, 0, "abc");
    expect(world.text(0)).toBe("abcdefghij");
  });

  it("are joined to the one that they follow without a look at the others", () => {
    const world = opened();
    put(world, 2, "c");
    put(world, 5, "fghi");
    put(world, 3, "defg");
    // "cdefg" lies over "fghi"; nothing was merged and no duplicate is told.
    expect(world.mib("TCPRcvCoalesce")).toBe(1);
    expect(world.mib("TCPDSACKOfoSent")).toBe(0);
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcdefghi");
  });

  it("that come again are joined to the one before them, if the walk meets that one first", () => {
    const world = opened();
    put(world, 6, "gh");
    put(world, 4, "ef");
    put(world, 2, "cd");
    // The tree's root is "ef" now, "gh" its right child.
    put(world, 6, "gh");
    expect(world.mib("TCPRcvCoalesce")).toBe(1);
    expect(world.mib("TCPOFOMerge") + world.mib("TCPDSACKOfoSent")).toBe(0);
    expect(world.stack.streamOf(0)).toMatchObject({ gaps: 1 });
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcdefgh");
    expect(world.drop("TCP_OFO_DROP")).toBe(1);
  });

  it("keep a partial overlap whole; the reader skips what it has", () => {
    const world = opened();
    put(world, 2, "cdef");
    put(world, 4, "efgh");
    put(world, 0, "abcd");
    expect(world.text(0)).toBe("abcdefgh");
  });

  it("are skipped over when the in-order segment covers them", () => {
    const world = opened();
    put(world, 2, "c");
    put(world, 0, "abcdef");
    expect(world.text(0)).toBe("abcdef");
    expect(world.drop("TCP_OFO_DROP")).toBe(1);
  });

  it("with a FIN end the stream once they are reached, and purge what lies beyond", () => {
    const world = opened();
    put(world, 2, "cd", TCP_ACK | TCP_FIN);
    put(world, 9, "beyond");
    expect(world.stack.ended(0)).toBe(false);
    put(world, 0, "ab");
    expect(world.text(0)).toBe("abcd");
    expect(world.stack.streamOf(0)).toMatchObject({ end: "fin", gaps: 0 });
    expect(world.outstanding).toBe(0);
  });

  it("accept a bare FIN out of order", () => {
    const world = opened();
    put(world, 2, "", TCP_ACK | TCP_FIN);
    expect(world.stack.ended(0)).toBe(false);
    put(world, 0, "ab");
    expect(world.text(0)).toBe("ab");
    expect(world.stack.streamOf(0).end).toBe("fin");
    expect(world.slab.skbCount).toBe(0);
  });

  it("leave as many gaps in the report as there are holes at the end", () => {
    const world = opened();
    put(world, 2, "c");
    put(world, 5, "f");
    put(world, 6, "g");
    put(world, 9, "j");
    world.stack.finish();
    expect(world.stack.streamOf(0)).toMatchObject({ end: "hole", gaps: 3, bytes: 0 });
    expect(world.outstanding).toBe(0);
  });

  it("work across the wrap of the sequence space", () => {
    const world = new World();
    handshake(world, 0xfffffffc);
    const at = (offset: number, value: string) =>
      world.send({ seq: (0xfffffffd + offset) | 0, ack: 5001, data: text(value) });
    at(6, "gh");
    at(2, "cdef");
    world.stack.audit();
    at(0, "ab");
    expect(world.text(0)).toBe("abcdefgh");
    expect(world.stack.copiedSeq(0)).toBe(5);
  });
});

describe("old data", () => {
  it("is dropped, the first copy wins", () => {
    const world = opened();
    put(world, 0, "abcd");
    put(world, 0, "XXXX");
    put(world, 3, "X");
    expect(world.text(0)).toBe("abcd");
    expect(world.drop("TCP_OLD_DATA")).toBe(2);
    expect(world.mib("DelayedACKLost")).toBe(2);
  });

  it("in front of new data is skipped", () => {
    const world = opened();
    put(world, 0, "abcd");
    put(world, 2, "XXef");
    expect(world.text(0)).toBe("abcdef");
    expect(world.mib("TCPDSACKOldSent")).toBe(1);
  });

  it("below the last ACK of the capture fails the sequence check", () => {
    const world = opened();
    put(world, 0, "abcd");
    world.send({
      src: 0x0a000002,
      dst: 0x0a000001,
      sport: 2000,
      dport: 1000,
      seq: 5001,
      ack: 1005,
      window: 502,
    });
    put(world, 0, "ab");
    expect(world.drop("TCP_OLD_SEQUENCE")).toBe(1);
  });
});
