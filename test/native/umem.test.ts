import { describe, expect, it } from "vitest";
import { runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const OWNERS = ["umem_fill", "umem_stack", "umem_app", "umem_pool", "umem_free"];

/** Chunks by owner, added up. */
function owned(driver: Readonly<Record<string, unknown>>): number {
  return OWNERS.reduce((sum, name) => sum + Number(driver[name] ?? 0), 0);
}

describe.runIf(runsHere("af-xdp"))("a UMEM", () => {
  it("has every chunk with some owner at the end, and none outside after it", () => {
    const path = madeCapture({ frames: 3000, segmentBytes: 1000, flows: 8, seed: 1 });
    const run = replayed(path, "--backend", "af-xdp", "--area", "2MiB");
    expect(run.driver.umem_chunks).toBe(512);
    expect(owned(run.driver)).toBe(512);
    expect(run.driver).toMatchObject({ umem_stack: 0, umem_app: 0 });
    expect(run.leaks).toMatchObject({ count: 0 });
    expect([run.pool.inflight, run.pool.hold]).toEqual([0, run.pool.release]);
    expect(run.deliveredBytes).toBe(3_000_000);
    expect(run.copy.bytes).toBe(0);
    expect(run.reference.bytes).toBe(3_000_000);
    expect(run.recycle.endToEndPct).toBe(100);
  });

  it("runs dry while its reader holds frames, and the kernel says so", () => {
    const path = madeCapture({ frames: 2000, segmentBytes: 1000, flows: 8, seed: 2 });
    const args = ["--backend", "af-xdp", "--area", "1MiB", "--ring", "64", "--hold", "300ms"];
    const run = replayed(path, ...args);
    const lost = Number(run.driver.rx_dropped);
    expect(lost).toBeGreaterThan(1000);
    expect(run.driver.rx_fill_ring_empty_descs).toBe(lost);
    expect(run.drops.RX_HW_DROP_OVERRUNS).toBe(lost);
    // The clocks of reading and giving back are the kernel's: nothing is held for less.
    expect(Number(run.latency.hold!.min)).toBeGreaterThanOrEqual(300e6);
    expect(owned(run.driver)).toBe(256);
    expect(run.leaks).toMatchObject({ count: 0 });
  });

  it("takes superpackets in pieces, over one skb's worth of them too", () => {
    const path = madeCapture({ frames: 200, segmentBytes: 65_000, flows: 2, seed: 3 });
    const args = ["--backend", "memory,af-xdp", "--provider", "page", "--streams"];
    const model = replayed(path, ...args);
    const run = replayed(path, "--backend", "af-xdp", "--streams");
    expect(run.deliveredBytes).toBe(13_000_000);
    const bytes = (streams: typeof run.streams) => streams!.map(({ sha256 }) => sha256).sort();
    expect(bytes(run.streams)).toEqual(bytes(model.streams));
    expect(Number(run.dma.copies)).toBeGreaterThan(200 * 17);
  });

  it("drops what has a wrong checksum where checksums are verified", () => {
    const path = "fixtures/edge/bad_checksums.pcap";
    const seen = (...more: string[]) => {
      const trust = replayed(path, "--backend", "af-xdp", ...more);
      const model = replayed(path, "--provider", "page", ...more);
      return [trust.deliveredBytes, trust.drops.TCP_CSUM, trust.drops.IP_CSUM, model] as const;
    };
    for (const more of [[], ["--checksum", "verify"]]) {
      const [delivered, tcp, ip, model] = seen(...more);
      expect(delivered).toBe(model.deliveredBytes);
      expect([tcp, ip]).toEqual([model.drops.TCP_CSUM, model.drops.IP_CSUM]);
    }
  });
});
