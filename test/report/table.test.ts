import { describe, expect, it } from "vitest";
import { makeStyle } from "../../src/report/table/style.js";
import { documentTable } from "../../src/report/table/suite-table.js";
import {
  captureOf,
  nativeOf,
  poolOf,
  recordOf,
  runOf,
  streamOf,
  suiteOf,
} from "./sample-record.js";

const PLAIN = makeStyle(false);
const damaged = captureOf({ path: "bad.pcap", damage: [{ offset: 24, reason: "cut-record" }] });

function rowOf(table: string, label: string): string[] {
  const line = table.split("\n").find((text) => text.trimStart().startsWith(label));
  return line?.trim().split(/ {2,}/) ?? [];
}

describe("the table of a record", () => {
  const table = documentTable(recordOf(), "normal", PLAIN);

  it("says first what was replayed, then whether anything is wrong, then what happened", () => {
    const [first, second, third, , fifth] = table.split("\n");
    expect(first).toBe("fixtures/sample.pcap  pcap, Ethernet");
    expect(second).toBe("1,234 packets, 1.43 MiB over 12.3s");
    expect(third).toBe(
      "kernel 7.3, fbnic, 4 queues of 1,024, area 64 MiB of 4 KiB, recorded gaps, seed 1",
    );
    expect(fifth).toBe("no leaks, no damage, nothing dropped for lack of memory");
    const bad = documentTable(recordOf({ capture: damaged }), "normal", PLAIN);
    expect(bad.split("\n")[4]).toBe("! capture damaged at byte 24: cut-record");
  });

  it("has the providers side by side", () => {
    expect(rowOf(table, "delivered")).toEqual(["delivered", "page", "devmem", "zcrx"]);
    expect(rowOf(table, "by reference")).toEqual(["by reference", "0", "1,400,000", "1,400,000"]);
    expect(rowOf(table, "recycling")).toEqual(["recycling", "94.94 %", "94.94 %", "94.94 %"]);
    expect(rowOf(table, "pool")).toEqual(["pool", "-", "-", "-"]);
    expect(rowOf(table, "ns/packet")).toEqual(["ns/packet", "162.1", "162.1", "162.1"]);
  });

  it("aligns columns to the right and leaves no blank at a line's end", () => {
    const lines = table.split("\n");
    const ends = lines.filter((line) => /^ {2}(bytes|copied|alloc_fast)/.test(line));
    expect(new Set(ends.map((line) => line.length)).size).toBe(1);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
    expect(lines.length).toBeLessThan(45);
    const longest = Math.max(...lines.slice(0, -1).map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(100);
  });

  it("names pool counters as the kernel does and hides those that are zero for all", () => {
    expect(rowOf(table, "alloc_fast")).toEqual(["alloc_fast", "1,200", "1,200", "1,200"]);
    expect(table).not.toContain("recycle_released_refcnt");
    const verbose = documentTable(recordOf(), "verbose", PLAIN);
    expect(rowOf(verbose, "recycle_released_refcnt")).toEqual([
      "recycle_released_refcnt",
      "0",
      "0",
      "0",
    ]);
    expect(rowOf(verbose, "TCPRcvCoalesce")).toEqual(["TCPRcvCoalesce", "12", "12", "12"]);
  });

  it("lists drops by reason, the most frequent first", () => {
    const drops = { NO_SOCKET: 1, UNHANDLED_PROTO: 40 };
    const text = documentTable(recordOf({ runs: [runOf("page", { drops })] }), "normal", PLAIN);
    expect(text.indexOf("UNHANDLED_PROTO")).toBeLessThan(text.indexOf("NO_SOCKET"));
  });

  it("has a dash where a kernel keeps its count to itself, and a 0 where it counted none", () => {
    const none = { hold: 0, release: 0, inflight: 0, releases: [] };
    const traced = { hold: 64, release: 64, inflight: 0, releases: [0] };
    const through = (backend: string, native: ReturnType<typeof nativeOf>, hold: number) =>
      runOf(backend, { backend, native, pool: poolOf({ hold, release: hold }), drops: {} });
    const runs = [
      runOf("page", { drops: { TCP_OLD_DATA: 2, PROTO_MEM: 1 } }),
      through("kernel-tcp", nativeOf(null), 0),
      through("kernel-page-pool", nativeOf(traced), 64),
      through("af-xdp", nativeOf(none), 0),
    ];
    const text = documentTable(recordOf({ runs }), "normal", PLAIN);
    const [, poolText] = text.split("page pool");
    expect(rowOf(poolText!, "alloc_fast").slice(2)).toEqual(["-", "-", "0"]);
    expect(rowOf(poolText!, "hold").slice(2)).toEqual(["-", "64", "0"]);
    expect(rowOf(text, "TCP_OLD_DATA")).toEqual(["TCP_OLD_DATA", "2", "-", "-", "0"]);
    expect(rowOf(text, "PROTO_MEM")).toEqual(["PROTO_MEM", "1", "0", "0", "0"]);
  });

  it("shows the host clock only where there is one", () => {
    const { host: _, ...guest } = runOf("kernel", { pool: poolOf({}) });
    expect(documentTable(recordOf({ runs: [guest] }), "normal", PLAIN)).not.toContain("host clock");
  });

  it("lists streams once when the providers agree", () => {
    const streams = [streamOf(), streamOf({ src: "2001:db8::1" })];
    const runs = [runOf("page", { streams }), runOf("zcrx", { streams })];
    const text = documentTable(recordOf({ runs }), "normal", PLAIN);
    const turned = [runs[0]!, runOf("zcrx", { streams: [...streams].reverse() })];
    expect(documentTable(recordOf({ runs: turned }), "normal", PLAIN)).toBe(text);
    expect(text.match(/streams \(page, zcrx\)/g)).toHaveLength(1);
    expect(text).toContain("[2001:db8::1]:80 > 198.51.100.7:40000");
    expect(text).not.toContain("ab".repeat(32));
    expect(documentTable(recordOf({ runs }), "verbose", PLAIN)).toContain("ab".repeat(32));
  });

  it("keeps problems alone when quiet, and says nothing when there are none", () => {
    expect(documentTable(recordOf(), "quiet", PLAIN)).toBe("");
    expect(documentTable(recordOf({ capture: damaged }), "quiet", PLAIN)).toBe(
      "! capture damaged at byte 24: cut-record",
    );
  });

  it("has no escape codes without colour and the same text with it", () => {
    const record = recordOf({ capture: damaged });
    const plain = documentTable(record, "normal", PLAIN);
    expect(plain).not.toContain("\u001b");
    const coloured = documentTable(record, "normal", makeStyle(true));
    expect(coloured).toContain("\u001b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken out
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(plain);
  });
});

describe("the table of a suite", () => {
  const suite = suiteOf(recordOf(), recordOf({ capture: damaged }));

  it("has a line a capture, the worst first, and the sums", () => {
    const text = documentTable(suite, "normal", PLAIN);
    expect(text.indexOf("bad.pcap")).toBeLessThan(text.indexOf("fixtures/sample.pcap"));
    expect(text).toContain("2 captures, 2,468 packets");
    expect(rowOf(text, "1,234")).toEqual([
      "1,234",
      "1,400,000",
      "0",
      "12.1ms",
      "12.1ms",
      "12.1ms",
      "bad.pcap",
    ]);
  });

  it("tells first which captures could not be read", () => {
    const failed = [{ path: "x", code: "NETMEM_CAPTURE_FORMAT", message: "not a capture" }];
    const text = documentTable({ ...suite, failed }, "normal", PLAIN);
    expect(text.split("\n")[0]).toBe("! x: not a capture (NETMEM_CAPTURE_FORMAT)");
  });

  it("names a capture that failed once, though its error names it as well", () => {
    const message = "none.pcap: there is no such file";
    const failed = [{ path: "none.pcap", code: "NETMEM_CAPTURE_MISSING", message }];
    const [first] = documentTable({ ...suite, failed }, "normal", PLAIN).split("\n");
    expect(first).toBe(`! ${message} (NETMEM_CAPTURE_MISSING)`);
  });

  it("shows every record whole when verbose", () => {
    const text = documentTable(suite, "verbose", PLAIN);
    expect(text.match(/latency, model clock/g)).toHaveLength(2);
  });
});
