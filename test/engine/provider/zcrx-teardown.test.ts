import { describe, expect, test } from "vitest";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import { NM_USER, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { Z2 } from "../../../src/engine/netmem/state.js";
import { Rig } from "../page-pool/rig.js";

describe("ring exit", () => {
  test.each([
    ["6.18", "scrub, then close", 1],
    ["7.0", "close, then scrub", 0],
    ["7.1", "close, then scrub", 0],
  ])("%s: %s", (name, _order, scrubbedAtClose) => {
    const rig = new Rig("zcrx", 64, { profile: KERNEL_PROFILES[name]! });
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.ledger.userGet(n, Z2);
    rig.put(n);
    let scrubbed = -1;
    rig.ifq!.terminate(() => {
      scrubbed = 1 - rig.table.words[n * NM_WORDS + NM_USER]!;
      rig.pools.destroy(pool);
    });
    expect(scrubbed).toBe(scrubbedAtClose);
    expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(0);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    rig.ifq!.unregister();
    expect([pool.freed, rig.ifq!.freed, rig.ifq!.freeCount]).toEqual([true, true, 64]);
    rig.pools.audit();
  });

  test("a request in flight takes references after terminate; unregister finds them (7.1)", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.ifq!.terminate(() => rig.pools.destroy(pool));
    expect(rig.ifq!.area.mapped).toBe(false);
    rig.ledger.userGet(n, Z2);
    rig.put(n);
    rig.ifq!.unregister();
    expect(rig.ifq!.freed).toBe(false);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    expect([pool.freed, rig.ifq!.freed]).toEqual([true, true]);
    rig.pools.audit();
  });

  test("two scrubs are one; terminate and unregister run once each", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.ledger.userGet(n, Z2);
    rig.put(n);
    rig.ifq!.scrub();
    rig.ifq!.scrub();
    expect(pool.ring.count).toBe(1);
    rig.ifq!.terminate(() => rig.pools.destroy(pool));
    expect(() => rig.ifq!.terminate(() => {})).toThrow("invariant 52");
    rig.ifq!.unregister();
    expect(() => rig.ifq!.unregister()).toThrow("invariant 52");
  });

  test("after uninstall no area is mapped, and the queue is not closed again", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    rig.pools.destroy(pool);
    rig.ifq!.uninstall(0);
    expect(rig.ifq!.area.mapped).toBe(false);
    let closed = 0;
    rig.ifq!.terminate(() => closed++);
    expect(closed).toBe(0);
  });

  test("an exported descriptor keeps the queue open", () => {
    const rig = new Rig("zcrx", 64);
    rig.ifq!.userRefs++;
    let closed = 0;
    rig.ifq!.terminate(() => closed++);
    expect([closed, rig.ifq!.queue]).toEqual([0, 0]);
  });

  test("netlink shows the buffer length since 7.1", () => {
    const answers = ["7.0", "7.1"].map((name) => {
      const answer = {};
      new Rig("zcrx", 64, { profile: KERNEL_PROFILES[name]! }).ifq!.nlFill(answer, 0);
      return answer;
    });
    expect(answers).toEqual([{ ioUring: {} }, { ioUring: { rxBufLen: 4096 } }]);
  });
});
