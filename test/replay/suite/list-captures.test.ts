import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { resolveShard, shardChoice } from "../../../src/replay/plan/shard-flag.js";
import { globPattern } from "../../../src/replay/suite/glob.js";
import { listCaptures } from "../../../src/replay/suite/list-captures.js";
import { shardOf } from "../../../src/replay/suite/shard.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-suite-"));
mkdirSync(join(folder, "deep/er"), { recursive: true });
for (const name of ["b.pcap", "a.pcapng", "notes.txt", "deep/c.cap", "deep/er/d.pcap.gz"]) {
  writeFileSync(join(folder, name), "");
}
afterAll(() => rmSync(folder, { recursive: true }));

const list = async (...given: string[]) => {
  const { paths, suite } = await listCaptures(given.map((path) => join(folder, path)));
  return { paths: paths.map((path) => path.slice(folder.length + 1)), suite };
};

describe("a list of captures", () => {
  it("of a directory has all below it, by name, and nothing else", async () => {
    expect(await list(".")).toEqual({
      paths: ["a.pcapng", "b.pcap", "deep/c.cap", "deep/er/d.pcap.gz"],
      suite: true,
    });
  });

  it("of a glob has what matches", async () => {
    expect((await list("*.pcap*")).paths).toEqual(["a.pcapng", "b.pcap"]);
    expect((await list("**/*.{cap,gz}")).paths).toEqual(["deep/c.cap", "deep/er/d.pcap.gz"]);
    expect((await list("[ab].pcap")).suite).toBe(true);
  });

  it("keeps what is neither, and lists nothing twice", async () => {
    expect(await list("b.pcap")).toEqual({ paths: ["b.pcap"], suite: false });
    expect((await list("b.pcap", "*.pcap")).paths).toEqual(["b.pcap"]);
    expect((await listCaptures(["-"])).paths).toEqual(["-"]);
  });

  it("is refused where there is nothing", async () => {
    await expect(list("*.nothing")).rejects.toThrow("no file matches");
    mkdirSync(join(folder, "empty"));
    await expect(list("empty")).rejects.toThrow("no *.pcap");
  });
});

describe("a glob", () => {
  it.each([
    ["a*.pcap", "a1.pcap", true],
    ["a*.pcap", "a/1.pcap", false],
    ["a/**/b.pcap", "a/b.pcap", true],
    ["a/**/b.pcap", "a/x/y/b.pcap", true],
    ["a?.pcap", "ab.pcap", true],
    ["a.pcap", "axpcap", false],
    ["[!a]b", "cb", true],
    ["[!a]b", "ab", false],
    ["{x,y}z", "yz", true],
    ["a+b(c)*", "a+b(c)d", true],
    ["*.{pcap,", "a.pcap", true],
  ])("%s on %s is %s", (pattern, path, matches) => {
    expect(globPattern(pattern).test(path)).toBe(matches);
  });
});

describe("a shard", () => {
  const paths = Array.from({ length: 13 }, (_, i) => `${i}.pcap`);

  it("with its fellows has every capture once", () => {
    const parts = [1, 2, 3, 4, 5].map((index) => shardOf(paths, { index, count: 5 }));
    expect(parts[1]!.positions).toEqual([1, 6, 11]);
    expect(parts.flatMap((part) => part.paths).sort()).toEqual([...paths].sort());
    expect(new Set(parts.map((part) => part.listSha256)).size).toBe(1);
  });

  it("may be empty", () => {
    expect(shardOf(paths.slice(0, 2), { index: 3, count: 3 }).paths).toEqual([]);
  });

  it.each([
    [{ JOB_COMPLETION_INDEX: "0" }, "auto/5", 1],
    [{ JOB_COMPLETION_INDEX: "4" }, "auto/5", 5],
    [{ CI_NODE_INDEX: "2", CI_NODE_TOTAL: "5" }, "auto", 2],
    [{ NETMEM_SHARD_INDEX: "3", NETMEM_SHARD_TOTAL: "5" }, "auto", 3],
    [{}, "4/5", 4],
  ])("by %o and %s is %i of 5", (environment, text, index) => {
    expect(resolveShard(shardChoice(text)!, environment)).toEqual({ index, count: 5 });
  });

  it("is refused where it cannot be", () => {
    expect(() => shardChoice("6/5")).toThrow("I from 1 to N");
    expect(() => shardChoice("0/5")).toThrow("I from 1 to N");
    expect(() => shardChoice("2")).toThrow("I from 1 to N");
    expect(() => resolveShard(shardChoice("auto/5")!, {})).toThrow("nothing says the index");
    expect(() => resolveShard(shardChoice("auto")!, { CI_NODE_INDEX: "1" })).toThrow(
      "nothing says the number of shards",
    );
    expect(() => resolveShard(shardChoice("auto/2")!, { JOB_COMPLETION_INDEX: "2" })).toThrow(
      "shard 3 of 2",
    );
  });
});
