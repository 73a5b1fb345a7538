import * as hdr from "hdr-histogram-js";
import { describe, expect, it } from "vitest";
import { EXPORT_FORMATS } from "../../../src/replay/record/export-formats.js";
import { parseDocuments } from "../../../src/replay/record/load-document.js";
import type { STAGES } from "../../../src/replay/record/names.js";
import { exportText } from "../../../src/report/export/exporters.js";
import { selectRuns } from "../../../src/report/export/select.js";
import { comparisonOf, gateOf, leakingOwners, thresholdOf } from "../sample-documents.js";
import { captureOf, latencyOf, recordOf, runOf, suiteOf } from "../sample-record.js";

const values = Array.from({ length: 5000 }, (_, i) => 900 + ((i * 7919) % 40_000));
const latency = { ...runOf("zcrx").latency, deliver: latencyOf(...values) };
const interval = {
  startNs: 1_000_000,
  packets: 5,
  bytes: 5000,
  deliveredBytes: 4000,
  drops: 1,
  deliver: { count: 3, p50: 2000, p99: 3000 },
  owners: leakingOwners()[3]!,
};
const { timeNs: _, ...owners } = interval.owners;
const record = recordOf({
  runs: [
    runOf("devmem", { drops: { RX_ALLOC_FAIL: 3 } }),
    runOf("zcrx", {
      latency,
      owners: leakingOwners(),
      intervals: [{ ...interval, owners }],
    }),
  ],
});

const other = recordOf();

describe("every export", () => {
  it.each(EXPORT_FORMATS)(
    "%s is made of every kind of document, and ends a line",
    async (format) => {
      const documents = [record, suiteOf(record, other), gateOf([thresholdOf()]), comparisonOf()];
      for (const document of documents) {
        const text = await exportText(format, [document]);
        expect(text.endsWith("\n") || text === "").toBe(true);
        const shown = text.replace(/<script>.*?<\/script>/s, "");
        expect(shown).not.toMatch(/undefined|NaN|\[object/);
      }
    },
  );

  it("is not made of a baseline", async () => {
    const baseline = { schema: "netmem.baseline/1" } as never;
    await expect(exportText("csv", [baseline])).rejects.toThrow("nothing to report");
  });
});

describe("json", () => {
  it("is the document, with a point of a series on a line", async () => {
    const text = await exportText("json", [record]);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(record)));
    const points = text
      .split("\n")
      .filter((line) => /^ *\{ "timeNs".*"app": \d+.*\},?$/.test(line));
    expect(points).toHaveLength(leakingOwners().length);
    expect(text).toMatch(/^ *\{ "startNs": 1000000,.*"owners": \{.*\} \}$/m);
    expect(parseDocuments(text, "x")).toHaveLength(1);
  });
});

describe("a series of a real clock", () => {
  const { clock: _clock, ...figures } = { clock: "model", ...interval };
  const rows = [0, 2e6].map((startNs) => ({
    ...figures,
    startNs,
    clock: "kernel" as const,
    deliver: { count: 0, p50: 0, p99: 0 },
    owners: null,
  }));
  const native = runOf("kernel", { backend: "kernel-tcp", clock: "kernel" });
  const real = { ...native, host: { ...native.host!, intervals: rows } };
  const mixed = { ...record, runs: [...record.runs, real] };

  it("is labelled with its clock on each line, behind the series of the model", async () => {
    const lines = (await exportText("ndjson", [mixed])).trimEnd().split("\n");
    const cut = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === "interval");
    expect(cut.map(({ clock, startNs }) => [clock, startNs])).toEqual([
      ["model", 1e6],
      ["kernel", 0],
      ["kernel", 2e6],
    ]);
    const table = (await exportText("csv", [mixed])).split("\r\n");
    expect(table).toContain("fixtures/sample.pcap,kernel,kernel-tcp,,2000000,packets,,5,,,kernel");
    expect(table.some((line) => line.includes("kernel-tcp,,2000000,owners"))).toBe(false);
  });

  it("has a chart of its own on the page, which says so", async () => {
    const page = await exportText("html", [mixed]);
    for (const id of ["r1-interval-delivered", "r1-kernel-interval-delivered"]) {
      expect(page).toContain(`id="${id}"`);
    }
    expect(page).toContain("the machine's own clock");
    expect(page).not.toMatch(/Infinity|NaN/);
  });
});

describe("ndjson", () => {
  it("has an object with its type on every line, intervals first", async () => {
    const lines = (await exportText("ndjson", [record])).trimEnd().split("\n");
    const rows = lines.map((line) => JSON.parse(line) as { type: string; provider?: string });
    const count = (type: string) => rows.filter((row) => row.type === type).length;
    const first = { type: "interval", provider: "zcrx", backend: "memory", clock: "model" };
    expect(rows[0]).toMatchObject({ ...first, startNs: 1e6, packets: 5 });
    expect([count("capture"), count("run"), count("owners")]).toEqual([1, 2, 11]);
  });
});

describe("csv", () => {
  it("has one figure a row, quoted where it must be", async () => {
    const named = { ...record, capture: captureOf({ path: 'a,"b".pcap' }) };
    const text = await exportText("csv", [named]);
    const [head, ...rows] = text.trimEnd().split("\r\n");
    expect(head).toBe(
      "capture,provider,backend,column,start_ns,metric,statistic,value,unit,verdict,clock",
    );
    expect(rows).toContain('"a,""b"".pcap",zcrx,memory,,,leak.netmems,,0,,,');
    const p99 = record.runs[1]!.latency.deliver.p99;
    expect(rows).toContain(`"a,""b"".pcap",zcrx,memory,,,latency.deliver,p99,${p99},ns,,model`);
    expect(rows).toContain(
      '"a,""b"".pcap",zcrx,memory,,1000000,latency.deliver,p50,2000,ns,,model',
    );
    expect(rows).toContain('"a,""b"".pcap",devmem,memory,,,drop.total,,3,,,');
  });
});

describe("hgrm", () => {
  it("is the library's distribution, value by value, a section a provider and stage", async () => {
    const [chosen] = selectRuns([record], { provider: "zcrx", stage: "deliver" });
    const text = await exportText("hgrm", [chosen!]);
    const [name, head, blank, ...rest] = text.split("\n");
    expect(name).toContain("provider=zcrx stage=deliver clock=model unit=ns");
    expect(head).toMatch(/^ +Value +Percentile TotalCount 1\/\(1-Percentile\)$/);
    expect(blank).toBe("");
    const rows = rest
      .filter((line) => /^ +[\d.]+ +[\d.]+ +\d+/.test(line))
      .map((line) => line.trim().split(/ +/).map(Number));
    const histogram = hdr.decodeFromCompressedBase64(latency.deliver.hdr, 64, false);
    expect(rows.length).toBeGreaterThan(20);
    for (const [value, share, below] of rows) {
      expect(value).toBe(histogram.getValueAtPercentile(Number((share! * 100).toFixed(9))));
      expect(below).toBeLessThanOrEqual(values.length);
    }
    expect(rows.at(-1)![2]).toBe(values.length);
    expect(rest.join("\n")).toMatch(/#\[Mean +=.*\n#\[Max +=.*\n#\[Buckets =/);
    const all = await exportText("hgrm", [record]);
    expect(all.match(/^#\[netmem /gm)!.length).toBe(2 * 6);
  });
});

describe("hlog", () => {
  it("is read back by HdrHistogram's reader with every value", async () => {
    const text = await exportText("hlog", [record]);
    expect(text).toContain("#[Histogram log format version 1.3]");
    const reader = new hdr.HistogramLogReader(text, 64);
    const found = new Map<string, number>();
    for (let next = reader.nextIntervalHistogram(); next; next = reader.nextIntervalHistogram()) {
      found.set(next.tag, next.totalCount);
      const [provider, stage] = next.tag.split(".") as [string, (typeof STAGES)[number]];
      const { count, p99, max } = record.runs.find((run) => run.provider === provider)!.latency[
        stage
      ];
      expect(next.totalCount).toBe(count);
      expect(Math.min(next.getValueAtPercentile(99), Number(max))).toBe(p99);
    }
    expect(hdr.listTags(text)).toEqual([...found.keys()]);
    expect(found.get("zcrx.deliver")).toBe(values.length);
  });
});

describe("a selection", () => {
  it("of a provider that no run has names the nearest", () => {
    expect(() => selectRuns([record], { provider: "zcrxx", stage: undefined })).toThrow(
      expect.objectContaining({ code: "NETMEM_NO_SAMPLES", suggestion: "Did you mean zcrx?" }),
    );
  });
});
