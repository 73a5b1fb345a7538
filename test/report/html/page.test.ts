import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { exportText } from "../../../src/report/export/exporters.js";
import { replay } from "../../support/replay.js";
import { comparisonOf, gateOf, leakingOwners, thresholdOf } from "../sample-documents.js";
import { captureOf, recordOf, runOf } from "../sample-record.js";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
/** The chart that has the keyboard. */
const FOCUSED = "document.activeElement?.closest('figure')?.id ?? ''";
/** Screenshots stay here for CI to keep. */
const SHOTS = fileURLToPath(new URL("../../../test-artifacts/", import.meta.url));
const HOSTILE = '"><script>window.broken=1</script><img src=x onerror="window.broken=1">.pcap';

const folder = mkdtempSync(join(tmpdir(), "netmem-html-"));
const problems: string[] = [];
let browser: Browser;
let record: NetmemRecord;

function leakingRecord(): NetmemRecord {
  const zcrx = runOf("zcrx", {
    owners: leakingOwners(),
    copy: { bytes: 7, byReason: { linear: 7 } },
  });
  zcrx.leaks = { ...zcrx.leaks, count: 9, byOwner: { ...zcrx.leaks.byOwner, app: 9 } };
  return recordOf({ runs: [runOf("page"), zcrx], capture: captureOf({ path: HOSTILE }) });
}

/** Opens documents as a page from a file; what the console says is collected. */
async function open(
  name: string,
  documents: Parameters<typeof exportText>[1],
  view: { width: number; dark?: boolean } = { width: 1180 },
): Promise<Page> {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, await exportText("html", documents));
  const page = await browser.newPage({
    viewport: { width: view.width, height: 900 },
    colorScheme: view.dark === true ? "dark" : "light",
  });
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) problems.push(`request ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  return page;
}

describe.runIf(existsSync(CHROMIUM))("the page in Chromium", () => {
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    const flags = { hold: "300us", interval: "20ms", streams: true };
    record = (await replay("fixtures/kernel/loss_reorder.pcap", flags)).record;
  });

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it("opens from a file without a word, draws every chart, and stays under 400 KB", async () => {
    const text = await exportText("html", [record]);
    expect(Buffer.byteLength(text)).toBeLessThan(400 * 1024);
    expect(text).not.toMatch(/(src|href)="(?!#)/);
    const page = await open("record", [record]);
    const charts = await page.locator(".chart").evaluateAll((figures) =>
      figures.map((figure) => ({
        id: figure.id,
        marks: figure.querySelectorAll("path.curve, path.area, rect.bar").length,
        told: (figure.querySelector("desc")?.textContent ?? "").length,
        nan: /NaN|Infinity/.test(figure.innerHTML),
      })),
    );
    expect(charts.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        "r1-deliver",
        "r1-lifetime",
        "r1-owners-page",
        "r1-owners-zcrx",
        "r1-recycle",
        "r1-counters",
        "r1-copy",
        "r1-interval-delivered",
      ]),
    );
    for (const { id, marks, told, nan } of charts) {
      expect({ id, drawn: marks > 0, told: told > 20, nan }).toEqual({
        id,
        drawn: true,
        told: true,
        nan: false,
      });
    }
    expect(await page.locator("table").count()).toBeGreaterThanOrEqual(6);
    await page.screenshot({ path: join(SHOTS, "record-light.png"), fullPage: true });
    await page.close();
    expect(problems).toEqual([]);
  });

  it("tells the record's own values at the keyboard", async () => {
    const page = await open("keys", [record]);
    const read = () => page.locator("#r1-deliver .tip").innerText();
    await page.locator("#r1-deliver svg").focus();
    await page.keyboard.press("Home");
    const places = new Map<string, string>();
    for (let i = 0; i < 80; i++) {
      const text = await read();
      places.set(text.split("\n")[0]!.trim(), text);
      await page.keyboard.press("ArrowRight");
    }
    for (const [head, field] of [
      ["50 %", "p50"],
      ["90 %", "p90"],
      ["99 %", "p99"],
    ] as const) {
      for (const { provider, latency } of record.runs) {
        const value = Number(latency.deliver[field]).toLocaleString("en-US");
        expect(places.get(head)).toMatch(new RegExp(`${provider}\\s+${value} ns`));
      }
    }
    await page.keyboard.press("Escape");
    expect(await page.locator("#r1-deliver").getAttribute("class")).toBe("chart");
    const order: string[] = [];
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press("Tab");
      order.push(await page.evaluate<string>(FOCUSED));
    }
    expect(order).toEqual(expect.arrayContaining(["r1-driver", "r1-owners-page", "r1-counters"]));
    await page.close();
    expect(problems).toEqual([]);
  });

  it("tells the record's own values under the pointer", async () => {
    const page = await open("pointer", [record]);
    const svg = page.locator("#r1-owners-devmem svg");
    await svg.scrollIntoViewIfNeeded();
    const box = (await svg.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.999, box.y + box.height / 2);
    const told = await page.locator("#r1-owners-devmem .tip").innerText();
    expect(told).toMatch(/after the teardown/);
    expect(told).toMatch(/app\s+0/);
    await page.mouse.move(box.x + box.width * 0.125, box.y + box.height / 2);
    const first = record.runs[1]!.owners![0]!;
    const start = await page.locator("#r1-owners-devmem .tip").innerText();
    expect(start).toMatch(new RegExp(`driver\\s+${Number(first.driver).toLocaleString("en-US")}`));
    await page.close();
  });

  it("scrolls on a phone in one direction only, on light and dark ground", async () => {
    for (const dark of [false, true]) {
      const page = await open("phone", [record], { width: 360, dark });
      const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
      expect(widths).toEqual([360, 360]);
      const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(ground).toBe(dark ? "rgb(20, 23, 28)" : "rgb(255, 255, 255)");
      const path = join(SHOTS, `record-phone-${dark ? "dark" : "light"}.png`);
      await page.screenshot({ path, fullPage: true });
      await page.close();
    }
    expect(problems).toEqual([]);
  });

  it("shows a leak, and no capture's name as markup", async () => {
    const page = await open("leak", [leakingRecord()], { width: 1180, dark: true });
    expect(await page.evaluate("window.broken")).toBeUndefined();
    expect(await page.locator("h2").innerText()).toBe(HOSTILE);
    expect(await page.locator(".verdict.bad").innerText()).toContain("9 netmems leaked (app 9)");
    await page.locator("#r1-owners-zcrx svg").focus();
    await page.keyboard.press("End");
    const told = await page.locator("#r1-owners-zcrx .tip").innerText();
    expect(told).toMatch(/after the teardown\s+app\s+9/);
    await page.locator("#r1-owners-zcrx").screenshot({ path: join(SHOTS, "leak-dark.png") });
    await page.close();
    expect(problems).toEqual([]);
  });

  it("shows gates and comparisons, and prints", async () => {
    const gate = gateOf([thresholdOf({ verdict: "fail", message: "too slow" }), thresholdOf()]);
    const page = await open("gate", [gate, comparisonOf(), record]);
    expect(await page.locator(".verdict").allInnerTexts()).toEqual([
      expect.stringMatching(/^fail\s+1 failed, 0 inconclusive, 1 passed, against baseline main$/),
      "1 regressed, 1 different, 1 unchanged, 1 missing",
      expect.stringMatching(/^All well/),
    ]);
    expect(await page.locator("nav a").count()).toBe(3);
    const pdf = await page.pdf({ format: "A4", path: join(SHOTS, "report.pdf") });
    expect(pdf.length).toBeGreaterThan(20_000);
    await page.close();
    expect(problems).toEqual([]);
  });
});
