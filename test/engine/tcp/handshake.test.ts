import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../../src/engine/skb/skb-slab.js";
import { handshake, reply, text, World } from "./harness.js";

const offer = { mss: 1460, sackPermitted: true, windowScale: 7 };

describe("where a stream starts", () => {
  it("the SYN-ACK may come before the SYN", () => {
    const world = new World();
    world.send(reply({ seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    world.send(reply({ seq: 5001, ack: 1003, data: text("cd") }));
    expect(world.stack.sockets).toBe(2);
    expect([world.text(0), world.text(1)]).toEqual(["ab", "cd"]);
    expect(world.stack.streamOf(0).midStream).toBe(false);
  });

  it("a SYN-ACK alone tells both initial sequence numbers", () => {
    const world = new World();
    world.send(reply({ seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send({ seq: 1003, ack: 5001, data: text("cd") });
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    expect(world.text(0)).toBe("abcd");
  });

  it("a retransmitted SYN changes nothing", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    expect(world.stack.sockets).toBe(2);
    expect(world.text(0)).toBe("ab");
    expect(world.drop("TCP_INVALID_SYN")).toBe(1);
  });

  it("a SYN with another ISN opens new sockets; the old ones stay readable", () => {
    const world = new World({ reads: false });
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("old") });
    handshake(world, 70000, 90000);
    world.send({ seq: 70001, ack: 90001, data: text("new") });
    expect(world.stack.sockets).toBe(4);
    world.read(0);
    world.read(2);
    expect([world.text(0), world.text(2)]).toEqual(["old", "new"]);
    expect(world.stack.streamOf(2)).toMatchObject({ sport: 1000, dport: 2000, bytes: 3 });
  });

  it("stragglers of the old connection still reach it when the new one has started", () => {
    const world = new World();
    handshake(world);
    world.send(reply({ seq: 5001, ack: 1001, data: text("ab") }));
    world.send({ seq: 700000000, flags: TCP_SYN, ...offer });
    world.send(reply({ seq: 5003, ack: 1001, data: text("cd") }));
    world.send(reply({ seq: 900000000, ack: 700000001, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send(reply({ seq: 900000001, ack: 700000001, data: text("new") }));
    expect([world.text(1), world.text(3)]).toEqual(["abcd", "new"]);
  });

  it("a SYN that nobody answers takes nothing from the live connection (RFC 5961)", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    // One far away, and one inside the window, at what is next.
    world.send({ seq: 700000000, flags: TCP_SYN, ...offer });
    world.send({ seq: 1003, ack: 5001, data: text("cd") });
    world.send({ seq: 1005, flags: TCP_SYN, ...offer });
    world.send({ seq: 1005, ack: 5001, data: text("ef") });
    world.send({ seq: 1007, ack: 5001, data: text("gh") });
    world.send(reply({ seq: 5001, ack: 1009, data: text("ok") }));
    expect([world.text(0), world.text(1)]).toEqual(["abcdefgh", "ok"]);
  });

  it("a SYN-ACK may acknowledge the payload of the SYN (TCP Fast Open)", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, data: text("abcd"), ...offer });
    world.send(reply({ seq: 5000, ack: 1005, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send({ seq: 1005, ack: 5001, data: text("ef") });
    world.send(reply({ seq: 5001, ack: 1007, data: text("gh") }));
    expect(world.stack.sockets).toBe(2);
    expect([world.text(0), world.text(1)]).toEqual(["abcdef", "gh"]);
  });

  it("a SYN-ACK beyond the payload of the SYN answers another one", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, data: text("abcd"), ...offer });
    world.send(reply({ seq: 5000, ack: 1006, flags: TCP_SYN | TCP_ACK, ...offer }));
    expect(world.stack.sockets).toBe(4);
  });

  it("a SYN-ACK with another ISN replaces one that nobody built on", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    world.send(reply({ seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send(reply({ seq: 8000, ack: 1001, flags: TCP_SYN | TCP_ACK, ...offer }));
    world.send(reply({ seq: 8001, ack: 1001, data: text("ok") }));
    expect(world.stack.sockets).toBe(2);
    expect(world.text(1)).toBe("ok");
  });

  it("without a SYN it starts at the first data, and the report says so", () => {
    const world = new World();
    world.send(reply({ seq: 9000, ack: 400, window: 10 }));
    world.send({ seq: 400, ack: 9000, data: text("mid") });
    world.send({ seq: 403, ack: 9000, data: text("dle") });
    expect(world.text(0)).toBe("middle");
    expect(world.stack.streamOf(0)).toMatchObject({
      midStream: true,
      oneSided: false,
      ownWindow: true,
    });
    expect(world.stack.streamOf(1)).toMatchObject({ bytes: 0, payload: false, seen: true });
  });

  it("one-sided captures work and are told", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    world.send({ seq: 1001, ack: 5001, data: text("alone") });
    expect(world.text(0)).toBe("alone");
    expect(world.stack.streamOf(0)).toMatchObject({ oneSided: true, midStream: false });
  });

  it("a SYN behind its own unread data takes the queue back", () => {
    const world = new World({ reads: false });
    world.send({ seq: 1003, ack: 5001, data: text("cd") });
    world.send({ seq: 1000, flags: TCP_SYN, ...offer });
    world.stack.audit();
    world.send({ seq: 1001, ack: 5001, data: text("ab") });
    world.read(0);
    expect(world.text(0)).toBe("abcd");
    expect(world.artefact("CaptureSynAfterData")).toBe(1);
    expect(world.stack.streamOf(0)).toMatchObject({ midStream: false, captureArtefacts: 1 });
  });

  it("payload in a SYN starts behind it", () => {
    const world = new World();
    world.send({ seq: 1000, flags: TCP_SYN, ...offer, data: text("ab") });
    world.send({ seq: 1003, ack: 5001, data: text("cd") });
    expect(world.text(0)).toBe("abcd");
  });

  it("segments that make no sense are dropped by flags", () => {
    const world = new World();
    world.send({ seq: 1, flags: 0, data: text("null") });
    world.send({ seq: 1, flags: TCP_SYN | TCP_FIN });
    world.send({ seq: 1, flags: TCP_SYN | TCP_RST });
    expect(world.drop("TCP_FLAGS")).toBe(3);
    expect(world.stack.sockets).toBe(0);
  });

  it("restart forgets connections, so that a pass over the same capture opens them anew", () => {
    const world = new World();
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("one") });
    world.stack.finish();
    world.stack.restart();
    expect(world.stack.sockets).toBe(0);
    handshake(world);
    world.send({ seq: 1001, ack: 5001, data: text("two") });
    expect(world.text(0)).toBe("onetwo");
    expect(world.stack.streamOf(0).bytes).toBe(3);
  });
});
