import { describe, expect, it } from "vitest";
import { flowHash } from "../../src/engine/backend/af-xdp/flow-hash.js";
import { GRO_BUCKETS } from "../../src/engine/driver/gro.js";
import { Frame } from "../../src/engine/wire/frame.js";

const FLOWS = 64;

/** How many of 64 flows are in the fullest of GRO's buckets. */
function fullest(flowOf: (i: number) => Partial<Frame>): number {
  const counts = new Array<number>(GRO_BUCKETS).fill(0);
  for (let i = 0; i < FLOWS; i++) {
    const frame = Object.assign(new Frame(), { saddr: 0x0a010000, daddr: 0x0aff0001 }, flowOf(i));
    counts[flowHash(frame) & (GRO_BUCKETS - 1)]!++;
  }
  return Math.max(...counts);
}

/** Eight would be even; chance seldom brings more than twice that. */
const CROWDED = 16;

describe("the hash that af-xdp gives GRO", () => {
  it.each<[string, (i: number) => Partial<Frame>]>([
    ["ports", (i) => ({ ports: (5201 << 16) | (40_000 + i) })],
    ["source ports", (i) => ({ ports: ((40_000 + i) << 16) | 443 })],
    ["addresses", (i) => ({ saddr: 0x0a010000 + i, ports: (5201 << 16) | 40_000 })],
    ["both", (i) => ({ saddr: 0x0a010000 + i, ports: (5201 << 16) | (40_000 + i) })],
    ["ports of IPv6", (i) => ({ saddr: 0, daddr: 0, ports: (443 << 16) | (50_000 + i) })],
  ])("spreads flows whose %s are numbered", (_what, flowOf) => {
    expect(fullest(flowOf)).toBeLessThanOrEqual(CROWDED);
  });
});
