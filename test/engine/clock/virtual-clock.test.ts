import { expect, test } from "vitest";
import { rebaseTimes, VirtualClock } from "../../../src/engine/clock/virtual-clock.js";

test("one nanosecond is told apart after a hundred years", () => {
  const clock = new VirtualClock();
  const century = 100 * 365.25 * 86400;
  clock.rebase(century - 1);
  const first = clock.toModel(century, 5);
  const second = clock.toModel(century, 6);
  expect(second - first).toBe(1);
  expect(first).toBe(1e9 + 5);
});

test("moving the epoch keeps every distance", () => {
  const clock = new VirtualClock();
  const times = Float64Array.of(10, 2_000_000_000, Number.POSITIVE_INFINITY);
  clock.follow({ rebase: (deltaNs) => rebaseTimes(times, deltaNs) });
  clock.nowNs = 3_000_000_001;
  const before = clock.nowNs - times[1]!;
  clock.rebase(3);
  expect(clock.nowNs).toBe(1);
  expect(clock.nowNs - times[1]!).toBe(before);
  expect(times[2]).toBe(Number.POSITIVE_INFINITY);
});
