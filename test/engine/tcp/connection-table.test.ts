import { describe, expect, it } from "vitest";
import { ConnectionTable } from "../../../src/engine/tcp/connection-table.js";
import { handshake, socketTable, text, World } from "./harness.js";

describe("the connection table", () => {
  it("tells IPv6 connections apart and sorts their endpoints", () => {
    const world = new World();
    const a = [0x20010db8, 0, 0, 1];
    const b = [0x20010db8, 0, 0, 0xffffffff];
    world.send({ src: a, dst: b, sport: 80, dport: 443, seq: 100, data: text("to b") });
    world.send({ src: b, dst: a, sport: 443, dport: 80, seq: 900, data: text("to a") });
    world.send({ src: b, dst: a, sport: 444, dport: 80, seq: 900, data: text("other") });
    expect(world.stack.sockets).toBe(4);
    const rows = [0, 1, 2, 3].map((sock) => world.stack.streamOf(sock)).filter((r) => r.payload);
    expect(rows.map((r) => world.text(r.sock)).sort()).toEqual(["other", "to a", "to b"]);
    const toB = rows.find((r) => world.text(r.sock) === "to b");
    expect(toB).toMatchObject({ src: a, dst: b, sport: 80, dport: 443 });
  });

  it("handles a connection of one address and one port with itself", () => {
    const world = new World();
    const self = { src: 0x7f000001, dst: 0x7f000001, sport: 9, dport: 9 };
    world.send({ ...self, seq: 1, data: text("me") });
    expect(world.stack.sockets).toBe(2);
    expect(world.text(0)).toBe("me");
  });

  it("grows while sockets keep their numbers and their state", () => {
    const world = new World({ connections: 2 });
    const flows = 20000;
    const of = (f: number) => ({ src: 0x0a000000 + (f >> 4), sport: 1000 + (f & 15) });
    for (let f = 0; f < flows; f++) world.send({ ...of(f), seq: f, data: text("a") });
    for (let f = 0; f < flows; f++) world.send({ ...of(f), seq: f + 1, data: text("b") });
    expect(world.stack.sockets).toBe(flows * 2);
    let delivered = 0;
    for (let sock = 0; sock < flows * 2; sock++) delivered += world.stack.streamOf(sock).bytes;
    expect(delivered).toBe(flows * 2);
    expect(world.mib("TCPHPHits")).toBe(flows);
  });

  it.each([1, 2, 77])("spreads regular endpoints whatever the seed (%i)", (seed) => {
    const table = new ConnectionTable(socketTable(), seed, 2);
    for (let f = 0; f < 30000; f++) {
      const top = f & 1 ? 0x80000000 : 0;
      table.open4(((f << 16) ^ top) | 0, 0x0a000001, (80 << 16) | (top >>> 16) | 443);
    }
    // Half full and random, the longest of 30,000 stays in the tens; a bad hash makes thousands.
    expect(table.longestProbe()).toBeLessThan(100);
  });

  it("needs no handshake to be shared by both directions", () => {
    const world = new World();
    handshake(world);
    expect(world.stack.sockets).toBe(2);
  });
});
