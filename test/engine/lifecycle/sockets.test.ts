import { describe, expect, test } from "vitest";
import { ORPHAN_TIMEOUT_NS } from "../../../src/engine/lifecycle/lifecycle.js";
import { NM_STATE, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { POOL_RING } from "../../../src/engine/netmem/state.js";
import { PathRig } from "./path-rig.js";

function mib(rig: PathRig, name: string): number {
  const { names, values } = rig.path.tcp.mib;
  return values[names.indexOf(name as never)]!;
}

describe("close()", () => {
  test("with unread data sends an RST: receive queue, tokens, then out of order go", () => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(2);
    const tokens = held(rig);
    rig.life.exitApplication({ order: [] });
    rig.send(2);
    const unread = rest(rig, tokens);
    rig.sendAhead(2);
    const ahead = rest(rig, [...tokens, ...unread]);
    expect([tokens.length, unread.length, ahead.length]).toEqual([2, 2, 2]);
    expect(rig.life.closeSocket(rig.sock)).toBe(0);
    expect(mib(rig, "TCPAbortOnClose")).toBe(1);
    expect(rig.life.log.entries.at(-1)!.detail).toContain("RST sent");
    const ring: number[] = [];
    rig.path.netdev.queues[0]!.payloadPool.ring.walk((n) => ring.push(n));
    expect(ring.slice(-6)).toEqual([...unread, ...tokens, ...ahead]);
    expect(rig.path.tcp.ending.orphans).toBe(0);
  });

  test.each([
    [1_000_000, "the peer acknowledges the FIN"],
    [ORPHAN_TIMEOUT_NS, "the last retransmission was not acknowledged"],
  ])("with all read keeps tokens and out-of-order data for %d ns: %s", (finAckNs) => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(3).sendAhead(1);
    expect(rig.life.closeSocket(rig.sock, finAckNs)).toBe(0);
    expect(rig.life.closeSocket(rig.sock, finAckNs)).toBe(-9);
    expect(mib(rig, "TCPAbortOnClose")).toBe(0);
    expect(rig.holders()).toMatchObject({ app: 3, stack: 1 });
    rig.pass(finAckNs - 1);
    expect(rig.holders()).toMatchObject({ app: 3, stack: 1 });
    expect(rig.path.tcp.ending.orphans).toBe(1);
    rig.pass(1);
    expect(rig.holders()).toMatchObject({ app: 0, stack: 0 });
    expect(rig.life.log.of("socket-destroy")).toHaveLength(1);
    rig.path.audit();
  });

  test("new data for an orphan resets it at once (TCPAbortOnData)", () => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(3);
    rig.life.closeSocket(rig.sock, 1e12);
    rig.send(1);
    expect(mib(rig, "TCPAbortOnData")).toBe(1);
    expect(rig.holders()).toMatchObject({ app: 0, stack: 0 });
    expect(rig.path.tcp.ending.orphans).toBe(0);
  });

  test("tokens that the application gives back to a socket that is gone free nothing", () => {
    const rig = new PathRig({ provider: "devmem" });
    rig.send(3);
    rig.life.closeSocket(rig.sock, 0);
    rig.pass(0);
    rig.path.app.giveBackAll();
    expect(rig.path.app.counts.warnings).toEqual({ staleTokens: 3 });
    rig.path.audit();
  });

  test("zcrx's references outlive the socket", () => {
    const rig = new PathRig({ provider: "zcrx" });
    rig.send(3);
    rig.life.closeSocket(rig.sock, 0);
    rig.pass(0);
    expect(rig.holders().app).toBe(3);
    rig.path.app.giveBackAll();
    rig.zcrx.ifqs[0]!.flushRq();
    expect(rig.holders().app).toBe(0);
  });
});

describe("an RST of the peer", () => {
  test("leaves the queue readable and the tokens valid; close() then destroys at once", () => {
    const rig = new PathRig({ provider: "devmem", readDelayNs: 20e6 });
    rig.send(2);
    expect(rig.holders().stack).toBe(2);
    expect(rig.life.resetSocket(rig.sock)).toBe(0);
    rig.send(1);
    rig.pass(50e6);
    expect(rig.path.app.counts.deliveredBytes).toBe(8000);
    expect(rig.holders()).toMatchObject({ app: 2, stack: 0 });
    rig.life.closeSocket(rig.sock);
    expect(rig.life.log.entries.at(-1)!.detail).toContain("nothing sent");
    expect(rig.holders().app).toBe(0);
    expect(rig.life.resetSocket(99)).toBe(-9);
    expect(rig.life.closeSocket(-1)).toBe(-9);
  });
});

test("the end of a pass destroys orphans, and the next pass starts clean", () => {
  const rig = new PathRig({ provider: "devmem" });
  rig.send(3);
  rig.life.closeSocket(rig.sock, Number.POSITIVE_INFINITY);
  rig.path.endPass();
  expect(rig.holders()).toMatchObject({ app: 0, stack: 0 });
  rig.path.restart();
  expect([rig.path.tcp.sockets, rig.path.tcp.ending.orphans]).toEqual([0, 0]);
  rig.connect().send(2);
  expect(rig.path.app.heldCount).toBe(2);
});

/** Netmems of the payload pool that neither pool nor driver has, lowest first. */
function held(rig: PathRig): number[] {
  const { table, ledger } = rig.path;
  expect(ledger.on).toBe(true);
  const found: number[] = [];
  for (let n = 0; n < table.areaNetmems; n++) {
    if (table.words[n * NM_WORDS + NM_STATE]! > POOL_RING + 1) found.push(n);
  }
  return found;
}

function rest(rig: PathRig, known: readonly number[]): number[] {
  return held(rig).filter((n) => !known.includes(n));
}
