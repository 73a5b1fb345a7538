import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN, TCP_SYN } from "../../../src/engine/skb/skb-slab.js";
import { handshake, reply, text, World } from "./harness.js";

const bulk = (length: number) => new Uint8Array(length).fill(97);

/** SYN only: the receiver's side is not in the capture. */
function oneSided(options: ConstructorParameters<typeof World>[0], timestamps = false): World {
  const world = new World({ reads: false, ...options });
  world.send({
    seq: 1000,
    flags: TCP_SYN,
    mss: 1460,
    windowScale: 7,
    sackPermitted: true,
    timestamps,
  });
  return world;
}

describe("the model's own window (ACK.md 1.5 to 1.7)", () => {
  it.each([
    ["auto", false, 64240],
    ["auto", true, 65160],
    [10000, false, 8760],
    [20000, false, 18980],
  ] as const)("policy %s, timestamps %s: %i bytes at first", (rcvbuf, timestamps, window) => {
    expect(oneSided({ rcvbuf }, timestamps).stack.streamOf(0).window).toBe(window);
  });

  it("closes as the reader stays away, then refuses, and opens when it reads", () => {
    const world = oneSided({ rcvbuf: 10000 });
    let seq = 1001;
    while (world.drop("TCP_ZEROWINDOW") + world.drop("TCP_INVALID_END_SEQUENCE") === 0) {
      world.send({ seq, ack: 5001, data: bulk(1000), truesize: 2304 });
      world.stack.audit();
      seq += 1000;
      expect(seq).toBeLessThan(40000);
    }
    const accepted = world.stack.readableSeq(0) - 1001;
    expect(accepted).toBeGreaterThan(2000);
    expect(accepted).toBeLessThanOrEqual(10000);
    world.clock.nowNs += 1e9;
    expect(world.read(0)).toBe(accepted);
    expect(world.stack.streamOf(0).window).toBeGreaterThan(2000);
    world.send({ seq: 1001 + accepted, ack: 5001, data: bulk(1000) });
    expect(world.read(0)).toBe(1000);
  });

  it("never moves its right edge to the left (invariant 35)", () => {
    const world = oneSided({ rcvbuf: "auto" });
    let edge = 0;
    for (let i = 0; i < 200; i++) {
      world.clock.nowNs += 3e6;
      world.send({ seq: 1001 + i * 500, ack: 5001, data: bulk(500) });
      if (i % 7 === 0) world.read(0);
      const row = world.stack.streamOf(0);
      const now = world.stack.readableSeq(0) + row.window;
      expect(now).toBeGreaterThanOrEqual(edge);
      edge = now;
    }
    expect(edge).toBeGreaterThan(1001 + 64240);
  });

  it("drops what starts beyond it, counted as BeyondWindow", () => {
    const world = oneSided({ rcvbuf: 10000 });
    world.send({ seq: 1001 + 9000, ack: 5001, data: bulk(10) });
    expect(world.drop("TCP_INVALID_SEQUENCE")).toBe(1);
    expect(world.mib("BeyondWindow")).toBe(1);
  });

  it("BeyondWindow is no counter of kernels without the end check (6.12)", () => {
    const world = oneSided({ rcvbuf: 10000, kernel: "6.12" });
    world.send({ seq: 1001 + 9000, ack: 5001, data: bulk(10) });
    expect(world.drop("TCP_INVALID_SEQUENCE")).toBe(1);
    expect(world.mib("BeyondWindow")).toBe(0);
  });

  it("takes one segment that ends beyond it while the queue is empty (invariant 39)", () => {
    const world = oneSided({ rcvbuf: 10000 });
    world.send({ seq: 1001, ack: 5001, data: bulk(9500) });
    expect(world.read(0)).toBe(9500);
    expect(world.drops.nonZero()).toEqual({});
  });

  it.each([
    ["7.3", 1],
    ["6.12", 0],
  ])("profile %s: %i drops of an end beyond it with data unread", (kernel, drops) => {
    const world = oneSided({ rcvbuf: 10000, kernel });
    world.send({ seq: 1001, ack: 5001, data: bulk(10) });
    world.send({ seq: 1011, ack: 5001, data: bulk(9500) });
    expect(world.drop("TCP_INVALID_END_SEQUENCE")).toBe(drops);
  });

  it("lets a FIN stick out by one (profile 7.1 on)", () => {
    const world = oneSided({ rcvbuf: 10000 });
    world.send({ seq: 1001, ack: 5001, data: bulk(10) });
    const window = world.stack.streamOf(0).window;
    world.send({ seq: 1011, ack: 5001, flags: TCP_ACK | TCP_FIN, data: bulk(window) });
    expect(world.stack.ended(0)).toBe(true);
  });
});

describe("auto-tuning", () => {
  it("grows the buffer as the reader takes more a round trip", () => {
    const world = oneSided({ rcvbuf: "auto", netmems: 8192 });
    let seq = 1001;
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 4 << Math.min(round, 5); i++) {
        world.clock.nowNs += 100000;
        world.send({ seq, ack: 5001, data: bulk(1460) });
        seq += 1460;
        world.read(0);
      }
      world.clock.nowNs += 20e6;
    }
    expect(world.stack.streamOf(0).rcvbuf).toBeGreaterThan(131072);
    expect(world.stack.streamOf(0).rcvbuf).toBeLessThanOrEqual(33554432);
  });

  it("leaves SO_RCVBUF alone", () => {
    const world = oneSided({ rcvbuf: 100000 });
    for (let i = 0; i < 50; i++) {
      world.clock.nowNs += 1e6;
      world.send({ seq: 1001 + i * 1460, ack: 5001, data: bulk(1460) });
      world.read(0);
    }
    expect(world.stack.streamOf(0).rcvbuf).toBe(200000);
  });
});

describe("the capture's window", () => {
  it("is what the other direction advertised, by the receiver's own scale", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1001, window: 1000 }));
    expect(world.stack.streamOf(0)).toMatchObject({ window: 128000, ownWindow: false });
    expect(world.stack.streamOf(1)).toMatchObject({ window: 502 * 128, ownWindow: false });
  });

  it("is not scaled unless both SYNs offer it", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, mss: 1460 });
    world.send(
      reply({ seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK, windowScale: 7, window: 9 }),
    );
    world.send(reply({ seq: 5001, ack: 1001, window: 1000 }));
    expect(world.stack.streamOf(0).window).toBe(1000);
  });

  it("sizes the buffer for the largest one seen", () => {
    const world = new World();
    handshake(world);
    expect(world.stack.streamOf(0).rcvbuf).toBe(131072);
    world.send(reply({ seq: 5001, ack: 1001, window: 8000 }));
    world.send(reply({ seq: 5001, ack: 1001, window: 100 }));
    expect(world.stack.streamOf(0).rcvbuf).toBe(2 * 8000 * 128);
  });

  it("never stops data that the capture shows, and counts it", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1001, window: 0 }));
    world.send({ seq: 1001, ack: 5001, data: bulk(64240) });
    world.send({ seq: 65241, ack: 5001, data: text("beyond") });
    expect(world.bytes(0).length).toBe(64246);
    expect(world.drops.nonZero()).toEqual({});
    expect(world.artefact("CaptureBeyondWindow")).toBe(1);
    expect(world.stack.streamOf(0).captureArtefacts).toBe(1);
  });

  it("ACKs before the data they acknowledge are counted and stop nothing", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1005, window: 502 }));
    world.clock.nowNs += 1000;
    world.send({ seq: 1001, ack: 5001, data: text("data") });
    expect(world.text(0)).toBe("data");
    expect(world.artefact("CaptureAckBeforeData")).toBe(1);
  });

  it("ACKs that only overtook their data inside the model are no artefact", () => {
    const world = new World();
    handshake(world);
    const data = world.build({ seq: 1001, ack: 5001, data: text("data") });
    world.clock.nowNs += 1000;
    world.send(reply({ seq: 5001, ack: 1005, window: 502 }));
    world.stack.receive(data);
    expect(world.text(0)).toBe("data");
    expect(world.artefact("CaptureAckBeforeData")).toBe(0);
    expect(world.stack.streamOf(0).captureArtefacts).toBe(0);
    // rcv_wup rose to 1005 with the data: what ends before it is old to the sequence check.
    world.send({ seq: 1001, ack: 5001, data: text("dat") });
    expect(world.drop("TCP_OLD_SEQUENCE")).toBe(1);
  });

  it("an ACK before several segments counts once, out of order or not", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1007, window: 502 }));
    world.clock.nowNs += 1000;
    world.send({ seq: 1003, ack: 5001, data: text("cd") });
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    world.send({ seq: 1005, ack: 5001, data: text("ef") });
    expect(world.text(0)).toBe("abcdef");
    expect(world.artefact("CaptureAckBeforeData")).toBe(1);
    world.clock.rebase(1);
    world.send({ seq: 1007, ack: 5001, data: text("gh") });
    expect(world.artefact("CaptureAckBeforeData")).toBe(1);
  });

  it("an ACK of bytes that the capture lacks is no artefact", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1005, window: 502 }));
    world.clock.nowNs += 1000;
    world.send({ seq: 1005, ack: 5001, data: text("behind the hole") });
    expect(world.artefact("CaptureAckBeforeData")).toBe(0);
  });

  it("is not learned from a segment that is refused", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1001, window: 1000 }));
    world.send(reply({ seq: 5001 + 50000000, ack: 1001, window: 9 }));
    expect(world.drop("TCP_INVALID_SEQUENCE")).toBe(1);
    expect(world.stack.streamOf(0).window).toBe(128000);
  });

  it("does not let garbage in from far away", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001 + 50000000, ack: 5001, data: text("garbage") });
    expect(world.drop("TCP_INVALID_SEQUENCE")).toBe(1);
  });
});
