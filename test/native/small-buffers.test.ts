import { describe, expect, it } from "vitest";
import { NATIVE, runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const SUPER = { segmentBytes: 60_000, frames: 60, flows: 1, seed: 3 };
const WITH_SOCKETS = NATIVE.filter((name) => name !== "af-xdp");

describe.each(WITH_SOCKETS)("receive buffers that %s is given", (backend) => {
  const here = runsHere(backend);
  const run = (path: string, ...args: string[]) => replayed(path, "--backend", backend, ...args);

  it.runIf(here).each(["auto", "16KiB", "256KiB", "1MiB"])(
    "refuse nothing to a reader without delay (superpackets, --rcvbuf %s)",
    (rcvbuf) => {
      const { deliveredBytes, drops, native } = run(madeCapture(SUPER), "--rcvbuf", rcvbuf);
      expect(native!.holes).toEqual([]);
      expect(deliveredBytes).toBe(SUPER.frames * SUPER.segmentBytes);
      expect(drops).toEqual({});
    },
  );

  it.runIf(here).each([1448, 10])("refuse nothing to many flows of %i bytes", (segmentBytes) => {
    const frames = 3000;
    const path = madeCapture({ segmentBytes, frames, flows: 16, seed: 4 });
    const { deliveredBytes, native } = run(path, "--rcvbuf", "32KiB");
    expect(native!.holes).toEqual([]);
    expect(deliveredBytes).toBe(frames * segmentBytes);
  });

  it.runIf(here)("are still too small for a reader who comes late", () => {
    const path = madeCapture(SUPER);
    const { deliveredBytes, native } = run(path, "--rcvbuf", "64KiB", "--read-delay", "100ms");
    expect(native!.holes).toHaveLength(1);
    expect(deliveredBytes).toBeLessThan(SUPER.segmentBytes * 5);
  });
});
