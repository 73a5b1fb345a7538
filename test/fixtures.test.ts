import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { walkCapture } from "../fixtures/count.js";
import { type ManifestEntry, products, type Truth } from "../fixtures/make.js";

const FOLDER = fileURLToPath(new URL("../fixtures", import.meta.url));
const KIB = 1024;

const read = (file: string) => readFileSync(join(FOLDER, file));
const { captures }: { captures: ManifestEntry[] } = JSON.parse(`${read("MANIFEST.json")}`);
const truth: Truth = JSON.parse(`${read("truth.json")}`);

const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)));

describe("fixtures", () => {
  it("are all in the manifest, once, and nothing else is", () => {
    const present = files.filter((file) => /\.pcap(ng)?$/.test(file)).sort();
    expect(captures.map(({ file }) => file).sort()).toEqual(present);
  });

  it("are small", () => {
    const sizes = files.map((file) => statSync(join(FOLDER, file)).size);
    const large = captures.filter(({ file }) => read(file).length > 64 * KIB);
    expect(large).toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(800 * KIB);
  });

  it.each(captures.map((entry) => [entry.file, entry] as const))(
    "%s is what it was",
    (_, entry) => {
      const bytes = read(entry.file);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(entry.sha256);
      const { packets, linkTypes } = walkCapture(bytes);
      expect(packets + (entry.behindDamage ?? 0)).toBe(entry.packets);
      expect(linkTypes).toEqual(entry.linkTypes);
      expect(entry.made).not.toBe("");
      expect(entry.shows).not.toBe("");
      if (entry.damageOffset !== undefined) expect(entry.damageOffset).toBeLessThan(bytes.length);
    },
  );

  it("made by hand are made again byte for byte", () => {
    const again = products(FOLDER);
    const edges = captures.filter(({ file }) => file.startsWith("edge/"));
    expect(again.size).toBe(edges.length + 2);
    for (const [file, bytes] of again) expect(Buffer.compare(read(file), bytes), file).toBe(0);
  });

  it("hold both real traffic and cases made by hand", () => {
    const count = (folder: string) => captures.filter(({ file }) => file.startsWith(folder)).length;
    expect(count("kernel/")).toBeGreaterThanOrEqual(12);
    expect(count("edge/")).toBeGreaterThanOrEqual(40);
  });

  it("have truth rows that can be compared", () => {
    expect(Object.keys(truth).sort()).toEqual(captures.map(({ file }) => file).sort());
    for (const row of Object.values(truth).flat()) {
      expect(row.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(["fin", "rst", "hole", "open"]).toContain(row.end);
      expect(Number.isSafeInteger(row.bytes) && row.bytes >= 0).toBe(true);
      expect(`${row.src}${row.dst}`).toMatch(/^(10\.\d+\.\d+\.\d+){2}$|^(fd[\d:]+){2}$/);
    }
  });

  it("come with scripts that the shell can read", () => {
    expect(execFileSync("bash", ["-n", join(FOLDER, "capture.sh")], { encoding: "utf8" })).toBe("");
  });
});

describe("the fixtures' own walk", () => {
  const classic = read("edge/no_payload.pcap");
  const whole = walkCapture(classic).packets;

  it("stops at a record that the file cuts", () => {
    expect(walkCapture(classic.subarray(0, -1)).packets).toBe(whole - 1);
    expect(walkCapture(classic.subarray(0, 24)).packets).toBe(0);
  });

  it("stops at a record that lies about its length", () => {
    const lying = Uint8Array.from(classic);
    lying.set([0xff, 0xff, 0xff, 0xff], 24 + 8);
    expect(walkCapture(lying).packets).toBe(0);
  });
});
