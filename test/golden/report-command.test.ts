import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ExportFormat } from "../../src/replay/record/export-formats.js";
import { loadDocuments } from "../../src/replay/record/load-document.js";
import { recordSchema } from "../../src/replay/record/schema.js";
import { exportText } from "../../src/report/export/exporters.js";
import { RUN_JS, runCli } from "./run-cli.js";

const CAPTURE = "fixtures/kernel/http4.pcap";
const folder = mkdtempSync(join(tmpdir(), "netmem-report-"));
const at = (name: string) => join(folder, name);
const exported = ["json", "csv", "html", "junit", "ktap", "hgrm", "hlog", "md", "github"];
const targets = exported.map((format) => `${format}=${at(`all.${format}`)}`);
const made = runCli([
  "replay",
  CAPTURE,
  "--interval",
  "1ms",
  "--export",
  targets.join(","),
  "--export",
  `ndjson=${at("all.ndjson")}`,
]);

afterAll(() => rmSync(folder, { recursive: true }));

describe("several exports at once", () => {
  it("are all written, beside the table", () => {
    expect(made.code).toBe(0);
    expect(made.stdout).toContain("latency, model clock");
    for (const format of exported) {
      expect(readFileSync(at(`all.${format}`), "utf8").length, format).toBeGreaterThan(100);
    }
    recordSchema.parse(JSON.parse(readFileSync(at("all.json"), "utf8")));
  });

  it("are what report makes of the record later", async () => {
    const documents = await loadDocuments(at("all.json"));
    for (const format of exported.filter((each) => each !== "github")) {
      const text = await exportText(format as ExportFormat, documents);
      expect(text, format).toBe(readFileSync(at(`all.${format}`), "utf8"));
    }
    const lines = (text: string) => text.trimEnd().split("\n").sort();
    const later = await exportText("ndjson", documents);
    expect(lines(later)).toEqual(lines(readFileSync(at("all.ndjson"), "utf8")));
    const page = runCli(["report", "html", at("all.json"), "-o", at("later.html")]);
    expect(page).toEqual({ stdout: "", stderr: "", code: 0 });
    expect(readFileSync(at("later.html"), "utf8")).toBe(readFileSync(at("all.html"), "utf8"));
  });
});

describe("an export to -", () => {
  it("takes standard output for itself", () => {
    const { stdout, code } = runCli([
      "replay",
      CAPTURE,
      "--interval",
      "1ms",
      "--export",
      "ndjson=-",
    ]);
    const types = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types[0]).toBe("interval");
    expect(new Set(types)).toEqual(new Set(["interval", "capture", "owners", "run"]));
    expect(code).toBe(0);
  });

  it("does not share it with --json", () => {
    const { stdout, code } = runCli(["replay", CAPTURE, "--json", "--export", "csv=-"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "NETMEM_USAGE" } });
  });
});

describe("report", () => {
  it("adds a step summary to its file and annotates on standard error", () => {
    const file = at("summary.md");
    writeFileSync(file, "before\n");
    const record = JSON.parse(readFileSync(at("all.json"), "utf8")) as {
      runs: Array<{ leaks: { count: number } }>;
    };
    record.runs[0]!.leaks.count = 3;
    writeFileSync(at("leak.json"), JSON.stringify(record));
    const { stderr, stdout, code } = runCli(["report", "github", at("leak.json"), "-o", file]);
    expect(readFileSync(file, "utf8")).toMatch(/^before\n### :x: /);
    expect(stderr).toMatch(/^::error title=netmem::.*3 netmems leaked/);
    expect([stdout, code]).toEqual(["", 0]);
  });

  it.each([
    ["cut", '{"schema":"netmem.record/1","netmem":{"ver', 5],
    ["foreign", '{"hello":"world"}', 5],
  ])("ends with 5 for a file that is %s", (_, content, exit) => {
    writeFileSync(at("bad.json"), content);
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = runCli(["report", "csv", at("bad.json"), ...json]);
      expect(code).toBe(exit);
      expect(json.length === 0 ? stderr : stdout).toContain("NETMEM_RECORD_CUT");
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });

  it("reads standard input, chooses runs, and says under --json what it made", () => {
    const input = readFileSync(at("all.json"));
    const flags = ["--provider", "zcrx", "--stage", "deliver"];
    const { stdout, code } = runCli(["report", "hgrm", "-", ...flags], { input });
    expect(stdout.match(/^#\[netmem .*provider=zcrx stage=deliver/gm)).toHaveLength(1);
    expect(code).toBe(0);
    const told = runCli(["report", "csv", at("all.json"), "--json", "-o", at("x.csv")]);
    expect(JSON.parse(told.stdout)).toEqual({ format: "csv", file: at("x.csv") });
    expect(RUN_JS).toMatch(/run\.js$/);
  });

  it("prints the table again, with charts where asked, within 80 columns when piped", () => {
    const plain = runCli(["report", "table", at("all.json")]).stdout;
    expect(`${plain}`).toBe(made.stdout);
    const env = { LANG: "C", LC_ALL: "C", COLUMNS: "80" };
    const charts = runCli(["report", "table", at("all.json"), "--chart"], { env }).stdout;
    const added = charts.slice(plain.length);
    expect(added).toContain("netmems by owner, zcrx");
    expect(Math.max(...added.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});
