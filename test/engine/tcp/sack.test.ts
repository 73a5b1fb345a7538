import { describe, expect, it } from "vitest";
import {
  dsackSet,
  highestSack,
  sackNewOfo,
  sackRemove,
  sackReset,
} from "../../../src/engine/tcp/sack.js";
import {
  C_DSACK,
  C_NUM_SACKS,
  C_OFO_ROOT,
  C_SACKS,
  H_RCV_NXT,
  type SocketTable,
} from "../../../src/engine/tcp/socket-table.js";
import { socketTable } from "./harness.js";

function table(): SocketTable {
  const t = socketTable();
  t.open(1, 2, 3, false, -1);
  t.hot[H_RCV_NXT] = 100;
  t.cold[C_OFO_ROOT] = 0;
  return t;
}

function blocks(t: SocketTable): number[][] {
  return Array.from({ length: t.cold[C_NUM_SACKS]! }, (_, i) => [
    t.cold[C_SACKS + i * 2]!,
    t.cold[C_SACKS + i * 2 + 1]!,
  ]);
}

describe("SACK blocks (invariant 37)", () => {
  it("are kept newest first, four at most", () => {
    const t = table();
    for (const start of [200, 300, 400, 500, 600]) sackNewOfo(t, 0, start, start + 10);
    expect(blocks(t)).toEqual([
      [600, 610],
      [500, 510],
      [400, 410],
      [300, 310],
    ]);
    expect(highestSack(t, 0, 0)).toBe(610);
  });

  it("grow, come to the front and merge with what they touch", () => {
    const t = table();
    sackNewOfo(t, 0, 200, 210);
    sackNewOfo(t, 0, 220, 230);
    sackNewOfo(t, 0, 300, 310);
    sackNewOfo(t, 0, 210, 220);
    expect(blocks(t)).toEqual([
      [200, 230],
      [300, 310],
    ]);
  });

  it("go when rcv_nxt passes them, or all at once", () => {
    const t = table();
    sackNewOfo(t, 0, 200, 210);
    sackNewOfo(t, 0, 300, 310);
    t.hot[H_RCV_NXT] = 210;
    sackRemove(t, 0);
    expect(blocks(t)).toEqual([[300, 310]]);
    dsackSet(t, 0, 100, 110);
    expect(t.cold[C_DSACK]).toBe(1);
    sackReset(t, 0);
    expect(blocks(t)).toEqual([]);
    expect(t.cold[C_DSACK]).toBe(0);
    expect(highestSack(t, 0, 7)).toBe(7);
  });
});
