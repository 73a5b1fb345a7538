import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { synthesize } from "../../bench/synthesize.js";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { recordSchema } from "../../src/replay/record/schema.js";
import { runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const HTTP = "kernel/http4.pcap";
const folder = mkdtempSync(join(tmpdir(), "netmem-native-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a replay and answers its record; the record's form is checked on the way. */
function replay(...args: string[]): { record: NetmemRecord; code: number | null } {
  const { stdout, code } = runCli(["replay", "--json", "--streams", ...args]);
  const record = JSON.parse(stdout) as NetmemRecord;
  expect(recordSchema.safeParse(record).error).toBeUndefined();
  return { record, code };
}

describe.runIf(runsHere("kernel-tcp") && runsHere("kernel-tcp-mmap"))(
  "several backends in one call",
  () => {
    it("give one record, the same bytes, and labels of their own", () => {
      const { record, code } = replay(
        "--backend",
        "memory,kernel-tcp,kernel-tcp-mmap",
        "--provider",
        "zcrx",
        fixture("kernel/http6.pcap"),
      );
      expect(code).toBe(0);
      expect(record.runs.map(({ provider, backend, clock }) => [provider, backend, clock])).toEqual(
        [
          ["zcrx", "memory", "model"],
          ["kernel", "kernel-tcp", "kernel"],
          ["kernel", "kernel-tcp-mmap", "kernel"],
        ],
      );
      const [model, ...kernels] = record.runs.map(({ streams }) => streams!);
      for (const rows of kernels) expect(rows).toEqual(model);
      for (const run of record.runs.slice(1)) {
        expect(run.latency.deliver).toMatchObject({ clock: "kernel", unit: "ns" });
        expect(Number(run.latency.deliver.count)).toBeGreaterThan(0);
        expect(Number(run.copy.bytes) + Number(run.reference.bytes)).toBe(run.deliveredBytes);
      }
      expect(record.config).toMatchObject({
        backend: "memory,kernel-tcp,kernel-tcp-mmap",
        pacing: { mode: "topspeed" },
      });
    });
  },
);

describe.runIf(runsHere("kernel-tcp"))("kernel-tcp", () => {
  it("opens new connections in each pass, which deliver the same", () => {
    const { record, code } = replay(
      "--backend",
      "kernel-tcp",
      "--loop",
      "3",
      fixture("edge/reset.pcap"),
    );
    const once = replay("--backend", "kernel-tcp", fixture("edge/reset.pcap")).record;
    expect(code).toBe(0);
    expect(record.runs[0]!.passes).toBe(3);
    expect(record.runs[0]!.deliveredBytes).toBe(3 * Number(once.runs[0]!.deliveredBytes));
    expect(record.runs[0]!.streams).toEqual(once.runs[0]!.streams);
  });

  it("keeps to an absolute schedule, and says how late it was", () => {
    const path = join(folder, "paced.pcap");
    writeFileSync(path, synthesize({ segmentBytes: 100, flows: 1, frames: 100, seed: 1 }));
    const { record } = replay("--backend", "kernel-tcp", "--pps", "500", path);
    const { lag } = record.runs[0]!.native!;
    expect(lag).toMatchObject({ clock: "kernel", count: record.capture.packets });
    expect(Number(lag!.p50)).toBeLessThan(50e6);
  });

  it("reads a capture from standard input, and under its name", () => {
    const input = readFileSync(fixture("kernel/http4.pcap"));
    const { stdout, code } = runCli(["replay", "--json", "--backend", "kernel-tcp", "-"], {
      input,
    });
    const record = JSON.parse(stdout) as NetmemRecord;
    expect([code, record.capture.path]).toEqual([0, "-"]);
    expect(record.reproduce).not.toContain("netmem-");
  });

  it("stops at a hole and says where", () => {
    const { record } = replay("--backend", "kernel-tcp", fixture("edge/hole_never_filled.pcap"));
    const [run] = record.runs;
    expect(run!.streams!.some(({ end }) => end === "hole")).toBe(true);
    const [hole] = run!.native!.holes;
    expect(hole!.packet).toBeGreaterThan(0);
    const [warning] = record.warnings.filter(({ code }) => code === "holes");
    expect(warning!.message).toMatch(/cut short by a hole: .* at byte \d+, packet \d+$/);
  });

  it("calls it no hole where its socket had no room", () => {
    const late = ["--rcvbuf", "8KiB", "--read-delay", "100ms"];
    const { record } = replay("--backend", "kernel-tcp", ...late, fixture(HTTP));
    const codes = record.warnings.map(({ code }) => code);
    expect(codes).toContain("refused");
    expect(codes).not.toContain("holes");
    expect(record.warnings.map(({ message }) => message).join()).not.toContain("null");
  });

  it("tells of the capture what the model tells", () => {
    const told = (backend: string, name: string, ...more: string[]) => {
      const { record } = replay("--backend", backend, ...more, fixture(name));
      const wanted = ["bad-checksums", "mid-stream", "cut-packets", "damaged"];
      return record.warnings.filter(({ code }) => wanted.includes(code));
    };
    for (const [name, ...more] of [
      ["edge/bad_checksums.pcap", "--checksum", "verify"],
      ["edge/midstream_one_sided.pcap"],
      ["edge/snaplen_96.pcap"],
    ] as const) {
      const [native, model] = ["kernel-tcp", "memory"].map((one) => told(one, name, ...more));
      expect(native).toEqual(model);
      expect(native).not.toEqual([]);
    }
  });

  it("drops wrong checksums when told to verify, by the kernel's own count", () => {
    const path = fixture("edge/bad_checksums.pcap");
    const trusted = replay("--backend", "kernel-tcp", path).record;
    const verified = replay("--backend", "kernel-tcp", "--checksum", "verify", path).record;
    expect(Number(trusted.capture.badChecksums)).toBeGreaterThan(0);
    expect(trusted.runs[0]!.drops.TCP_CSUM ?? 0).toBe(0);
    expect(Number(verified.runs[0]!.drops.TCP_CSUM)).toBeGreaterThan(0);
  });

  it("takes 10,000 flows in one replay", () => {
    const path = join(folder, "flows.pcap");
    writeFileSync(path, synthesize({ segmentBytes: 10, flows: 10_000, frames: 10_000, seed: 1 }));
    const { record, code } = replay("--backend", "kernel-tcp", path);
    expect(code).toBe(0);
    expect(record.runs[0]!.streams).toHaveLength(20_000);
    expect(record.runs[0]!.sockets.opened).toBeGreaterThan(6000);
    expect(record.runs[0]!.deliveredBytes).toBe(100_000);
  });
});

describe.runIf(runsHere("af-xdp"))("af-xdp", () => {
  it("says where a stream stopped, and no packet that it does not know", () => {
    const { record } = replay("--backend", "af-xdp", fixture("edge/hole_never_filled.pcap"));
    const [warning] = record.warnings.filter(({ code }) => code === "holes");
    expect(warning!.message).toMatch(/cut short by a hole: .* at byte \d+$/);
  });
});

describe("a backend that cannot run", () => {
  it("leaves with 4 and doctor's row", () => {
    const path = fixture("kernel/http4.pcap");
    const { stderr, code } = runCli(["replay", "--backend", "kernel-zcrx", path]);
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^netmem: backend kernel-zcrx .*\nTry: .*netmem doctor, row kernel-zcrx/,
    );
  });
});
