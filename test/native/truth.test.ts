import { describe, expect, it } from "vitest";
import type { NetmemSuite, StreamRecord } from "../../src/replay/record/schema.js";
import { runCli } from "../golden/run-cli.js";
import { captureFiles, hasSharedCaptures, truthOf } from "../support/captures.js";
import { runsHere } from "./machine.js";

interface TruthRow {
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  readonly trusted: boolean;
  readonly bytes_tshark: number;
  readonly sha256_tshark: string;
}

/** Trusted rows of which no stream has the bytes. */
function missing(streams: readonly StreamRecord[], truth: readonly TruthRow[]): TruthRow[] {
  const taken = new Set<StreamRecord>();
  return truth.filter((want) => {
    if (!want.trusted) return false;
    const found = streams.find(
      (row) =>
        row.src === want.src &&
        row.sport === want.sport &&
        row.dst === want.dst &&
        row.dport === want.dport &&
        row.sha256 === want.sha256_tshark &&
        !taken.has(row),
    );
    if (found !== undefined) taken.add(found);
    return found === undefined;
  });
}

/** Each capture has a process of its own: half a minute on two cores, minutes on busy ones. */
const PATIENCE_MS = 300_000;

const cases = [
  ["kernel-tcp", []],
  ["kernel-tcp-mmap", []],
  ["kernel-tcp-mmap", ["--coalesce", "4096"]],
  ["kernel-page-pool", []],
  ["af-xdp", []],
] as const;

describe.each(cases)("%s %j", (backend, more) => {
  const here = runsHere(backend) && hasSharedCaptures;
  it.runIf(here)(
    "delivers every trusted stream of the shared captures byte for byte",
    () => {
      const files = captureFiles();
      const paths = files.map(({ path }) => path);
      const args = ["replay", "--backend", backend, "--streams", "--json", ...more, ...paths];
      const { stdout } = runCli(args);
      const suite = JSON.parse(stdout) as NetmemSuite;
      expect(suite.failed).toEqual([]);
      suite.records.forEach((record, i) => {
        const [run] = record.runs;
        const truth = truthOf(files[i]!.name).streams as unknown as TruthRow[];
        expect(missing(run!.streams!, truth), files[i]!.name).toEqual([]);
        const native = run!.native!;
        expect(native.left).toEqual({ sockets: 0, mappedPages: 0, interfaces: 0 });
        expect(run!.driver.refused).toBe(0);
        if (backend === "kernel-page-pool") expect(native.pool).toMatchObject({ inflight: 0 });
        if (backend === "af-xdp") expect(run!.leaks).toMatchObject({ count: 0 });
        if (backend === "kernel-tcp") return;
        const { mappedBytes, mappableBytes } = native.copies;
        expect(Number(mappedBytes)).toBeGreaterThanOrEqual(0.95 * Number(mappableBytes));
        if (more.length > 0) {
          // All but what is left of each stream behind its last whole page.
          const rest = Number(run!.copy.bytes);
          expect(rest).toBeLessThan(4096 * Math.max(1, 2 * run!.streams!.length));
        }
      });
    },
    PATIENCE_MS,
  );
});
