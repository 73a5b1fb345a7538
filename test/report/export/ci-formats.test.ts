import { describe, expect, it } from "vitest";
import { exportText } from "../../../src/report/export/exporters.js";
import { annotations, SUMMARY_LIMIT, summaryWithin } from "../../../src/report/export/github.js";
import { COMMENT_LIMIT } from "../../../src/report/export/md.js";
import { subjectOf } from "../../../src/report/export/subject.js";
import { comparisonOf, gateOf, thresholdOf } from "../sample-documents.js";
import { captureOf, nativeOf, recordOf, runOf, streamOf, suiteOf } from "../sample-record.js";

const failed = thresholdOf({ verdict: "fail", message: "50us is more than 42us", value: 50_000 });
const open = thresholdOf({ verdict: "inconclusive", message: "too few repetitions" });
const gate = gateOf([failed, open, thresholdOf()]);

const sample = recordOf();

/** Elements of an XML text by a scanner that knows nesting; throws where it is not well-formed. */
function wellFormed(xml: string): string[] {
  const stack: string[] = [];
  const seen: string[] = [];
  for (const [, close, name, rest] of xml.matchAll(/<(\/?)([a-z-]+)((?:"[^"<]*"|[^">])*)>/g)) {
    if (close === "/") expect(stack.pop()).toBe(name);
    else {
      seen.push(name!);
      if (!rest!.endsWith("/")) stack.push(name!);
    }
  }
  expect(stack).toEqual([]);
  expect(xml.replace(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
  return seen;
}

describe("runs through a real kernel", () => {
  const streams = [streamOf(), streamOf({ sport: 81, end: "hole", gaps: 1 })];
  const turned = [streamOf({ sport: 81, end: "hole", gaps: 2 }), streamOf()];
  const native = runOf("kernel", {
    backend: "kernel-tcp",
    native: nativeOf(null),
    streams: turned,
  });

  it("deliver the same in another order, and with their own idea of a hole", async () => {
    const record = recordOf({ runs: [runOf("page", { streams }), native] });
    expect(await exportText("ktap", [record])).not.toContain("not ok");
    const other = { ...native, streams: [streamOf({ sha256: "cd".repeat(32) }), turned[0]!] };
    const unlike = recordOf({ runs: [runOf("page", { streams }), other] });
    expect(await exportText("ktap", [unlike])).toMatch(/not ok .*: same bytes/);
  });

  it("are not said to be of the model's kernel and driver", async () => {
    const alone = recordOf({ runs: [native] });
    for (const format of ["md", "html"] as const) {
      const text = await exportText(format, [alone]);
      expect(text).toContain("this machine");
      expect(text).not.toContain("kernel 7.3");
      expect(await exportText(format, [recordOf({ runs: [runOf("page"), native] })])).toContain(
        "kernel 7.3",
      );
    }
    expect(await exportText("junit", [alone])).not.toMatch(/name="(kernel|driver)"/);
  });
});

describe("junit", () => {
  it("has a test case a threshold: failure, skipped or passed", async () => {
    const xml = await exportText("junit", [gate]);
    const seen = wellFormed(xml);
    const count = (name: string) => seen.filter((each) => each === name).length;
    expect([count("testcase"), count("failure"), count("skipped"), count("error")]).toEqual([
      3, 1, 1, 0,
    ]);
    expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1"');
    expect(xml).toContain("latency.deliver{provider=zcrx}: p(99) &lt;= baseline*1.05");
  });

  it("counts a leak as failure, and other bytes or damage as error", async () => {
    const leaking = runOf("zcrx", { deliveredBytes: 1 });
    leaking.leaks = { ...leaking.leaks, count: 2, byOwner: { ...leaking.leaks.byOwner, app: 2 } };
    const record = recordOf({
      runs: [runOf("page"), leaking],
      capture: captureOf({ path: 'a&"<\u0001>.pcap', damage: [{ offset: 7, reason: "cut" }] }),
    });
    const xml = await exportText("junit", [record]);
    wellFormed(xml);
    expect(xml).toContain("2 netmems leaked (app 2)");
    expect(xml).toContain("replay a&amp;&quot;&lt;?&gt;.pcap zcrx");
    expect(xml).toContain('tests="10" failures="1" errors="4" skipped="0"');
  });

  it("skips what has no backend here", async () => {
    const suite = suiteOf(recordOf());
    suite.failed.push({ path: "b.pcap", code: "NETMEM_BACKEND_UNAVAILABLE", message: "no zcrx" });
    suite.failed.push({ path: "c.pcap", code: "NETMEM_CAPTURE_FORMAT", message: "no capture" });
    const xml = await exportText("junit", [suite]);
    expect(xml).toMatch(/name="b.pcap"[^>]*><skipped/);
    expect(xml).toMatch(/name="c.pcap"[^>]*><error/);
  });
});

describe("ktap", () => {
  it("numbers every check and says what went wrong before it", async () => {
    const lines = (await exportText("ktap", [gate])).trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual(["KTAP version 1", "1..3"]);
    expect(lines[2]).toBe("# 50us is more than 42us");
    expect(lines[3]).toMatch(/^not ok 1 gate capture.pcap: latency.deliver/);
    expect(lines[4]).toMatch(/^ok 2 .* # SKIP too few repetitions$/);
    expect(lines[5]).toMatch(/^ok 3 [^#]*$/);
  });
});

describe("github", () => {
  it("annotates nine of a kind and counts the rest, escaped", () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      thresholdOf({ verdict: "fail", message: `100%\nwrong: ${i}` }),
    );
    const text = annotations(subjectOf([gateOf([...many, open])]));
    const lines = text.trimEnd().split("\n");
    expect(lines.filter((line) => line.startsWith("::error "))).toHaveLength(10);
    expect(lines[9]).toContain("and 21 more");
    expect(lines[0]).toMatch(/^::error title=netmem::.*100%25%0Awrong: 0$/);
    expect(lines.filter((line) => line.startsWith("::warning "))).toHaveLength(1);
    expect(annotations(subjectOf([gateOf([thresholdOf()])]))).toBe("");
  });

  it("keeps the summary within 1 MiB, the worst first, and says what is missing", () => {
    const named = (capture: object) => ({ ...sample, capture: captureOf(capture) });
    const good = Array.from({ length: 900 }, (_, i) => named({ path: `good-${i}.pcap` }));
    const bad = named({ path: "worst.pcap", damage: [{ offset: 1, reason: "cut" }] });
    const subject = subjectOf([suiteOf(...good, bad)]);
    const text = summaryWithin(subject, SUMMARY_LIMIT);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(SUMMARY_LIMIT);
    expect(text.indexOf("worst.pcap")).toBeLessThan(text.indexOf("good-0.pcap"));
    expect(text).toMatch(/_\d+ more sections do not fit here\._\n$/);
    expect(Buffer.byteLength(summaryWithin(subject, 5000))).toBeLessThanOrEqual(5000);
  });
});

describe("md", () => {
  it("shows a gate's difference to its baseline, what failed first", async () => {
    const text = await exportText("md", [recordOf(), gate]);
    expect(text.startsWith("<!-- netmem -->\n### :x: netmem gate: fail\n")).toBe(true);
    expect(text).toContain("against baseline `main`: 1 failed, 1 inconclusive, 1 passed.");
    const row =
      "| :x: | `latency.deliver{provider=zcrx}: p(99)` | 50us | \\<= 42us | 40us | +2.50 % |";
    expect(text).toContain(row);
    expect(text.indexOf("netmem gate")).toBeLessThan(text.indexOf("fixtures/sample.pcap"));
  });

  it("shows a comparison's differences and folds what is the same", async () => {
    const text = await exportText("md", [comparisonOf()]);
    const [shown, folded] = text.split("<details>");
    expect(shown).toContain(
      "| `drop.total{capture=capture.pcap}` | **100** | 130 (+30.00 %) :x: |",
    );
    expect(shown).not.toContain("leak.netmems");
    expect(folded).toContain("leak.netmems");
  });

  it("lets no capture's name become markup or mention, and stays a comment's length", async () => {
    const path = "a|b`c<b>@you\n# head.pcap";
    const many = new Array(200).fill({ ...sample, capture: captureOf({ path }) });
    const text = await exportText("md", many);
    expect(text.length).toBeLessThanOrEqual(COMMENT_LIMIT);
    expect(text).not.toMatch(/<b>|@you|^# head/m);
    expect(text).toContain("a\\|b\\`c\\<b\\>@&#8203;you \\# head.pcap");
  });
});
