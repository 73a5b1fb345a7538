import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { runsHere } from "./machine.js";
import { madeCapture, replayed } from "./made.js";

const BACKEND = new URL("../../src/engine/backend/", import.meta.url).href;

describe.runIf(runsHere("kernel-page-pool"))("the kernel's page_pool", () => {
  it("gives as many pages back as it took, and maps whole pages behind the head", () => {
    const path = madeCapture({ frames: 100, segmentBytes: 60_000, flows: 2, seed: 1 });
    const run = replayed(path, "--backend", "kernel-page-pool", "--loop", "2");
    const { pool, copies } = run.native!;
    expect(Number(pool!.hold)).toBeGreaterThan(0);
    expect(pool).toMatchObject({ release: pool!.hold, inflight: 0, releases: [0] });
    expect(run.recycle.endToEndPct).toBe(100);
    expect(run.deliveredBytes).toBe(2 * 6_000_000);
    expect(copies.mappedBytes).toBe(copies.mappableBytes);
    // Of 60,000 bytes: 3,466 or so in the head, 13 whole pages.
    expect(copies.mappableBytes).toBe(2 * 100 * 13 * 4096);
  });

  it("is destroyed in flight where a hole keeps data unread, and lives until it comes back", () => {
    const segments = { frames: 60, segmentBytes: 1400, flows: 1, seed: 2 };
    // Records: file header, SYN, SYN-ACK, ACK, data; the second data segment is lost.
    const path = madeCapture(segments, 5);
    const run = replayed(path, "--backend", "kernel-page-pool");
    const { pool, holes } = run.native!;
    expect(holes).toHaveLength(1);
    expect(run.deliveredBytes).toBe(1400);
    const [first, ...later] = pool!.releases.map(Number);
    expect(first).toBeGreaterThan(10);
    expect(later.at(-1)).toBe(0);
    expect(pool).toMatchObject({ release: pool!.hold, inflight: 0 });
  });

  it("is not told of where it is unknown: others' holds are not the run's", () => {
    const source = `
      import { PoolWatch } from "${BACKEND}kernel-page-pool/pool-watch.ts";
      const watch = new PoolWatch();
      watch.learn(() => {});
      console.log(watch.exact, watch.settle());`;
    const args = ["--import", "tsx", "--input-type=module", "-e", source];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stdout).toBe("false null\n");
  });

  it("is asked for what waits on other CPUs by a datagram on each of them", () => {
    const source = `
      import { flushDeferred } from "${BACKEND}kernel-page-pool/deferred.ts";
      import { enterFreshNamespace, readNetFile } from "${BACKEND}net/namespace.ts";
      enterFreshNamespace(0);
      flushDeferred();
      flushDeferred();
      const [names, values] = readNetFile("snmp").match(/^Udp:.*$/gm).map((row) => row.split(" "));
      console.log(values[names.indexOf("OutDatagrams")], values[names.indexOf("NoPorts")]);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", source];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stdout).toBe(`${2 * availableParallelism()} 0\n`);
  });
});
