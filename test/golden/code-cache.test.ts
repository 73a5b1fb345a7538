import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Finished, finish, ROOT } from "./run-cli.js";

const PACK = `code-${process.version}-${process.arch}.pack`;
const CAPTURE = join(ROOT, "fixtures/edge/qinq.pcap");
let folder: string;
let built: string;
let cache: string;

/** Runs the copy of netmem in `folder`, with a cache folder of its own. */
function netmem(args: readonly string[], env: Record<string, string> = {}): Finished {
  const run = join(folder, "bin/run.js");
  return finish(process.execPath, [run, ...args], {
    cwd: folder,
    env: { XDG_CACHE_HOME: cache, ...env },
  });
}

/** A replay's record without what depends on the host. */
function replayed(env: Record<string, string> = {}): unknown {
  const { stdout, stderr, code } = netmem(["replay", "--json", "--provider", "page", CAPTURE], env);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  const { runs, ...record } = JSON.parse(stdout);
  return { ...record, runs: runs.map((run: object) => ({ ...run, host: null })) };
}

/** The packs in the user's cache folder, each with the time of its making. */
function ownPacks(): string[] {
  const own = join(cache, "netmem/code");
  if (!existsSync(own)) return [];
  return readdirSync(own).map((name) => `${name} ${statSync(join(own, name)).mtimeMs}`);
}

let whole: Buffer;
let expected: unknown;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netmem-code-"));
  cache = join(folder, "cache");
  for (const part of ["bin", "dist", "package.json", "oclif.manifest.json"]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  built = join(folder, "dist", PACK);
  whole = readFileSync(built);
  expected = replayed({ NODE_DISABLE_COMPILE_CACHE: "1" });
});
beforeEach(() => {
  writeFileSync(built, whole);
  rmSync(cache, { recursive: true, force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the code that V8 compiled before", () => {
  it("changes nothing in the record, and the build's is enough for a replay", () => {
    expect(replayed()).toEqual(expected);
    expect(ownPacks()).toEqual([]);
  });

  it.each([
    ["empty", () => Buffer.alloc(0)],
    ["cut", () => whole.subarray(0, whole.length >> 1)],
    ["another file", () => Buffer.from("not a pack at all")],
    ["spoilt everywhere", () => whole.map((byte, i) => (i % 1009 === 0 ? byte ^ 0x55 : byte))],
  ])("is not missed when the build's pack is %s", (_, bytes) => {
    writeFileSync(built, bytes());
    expect(replayed()).toEqual(expected);
  });

  it("is made once in the cache folder where the build's does not fit", () => {
    rmSync(built);
    expect(replayed()).toEqual(expected);
    const made = ownPacks();
    expect(made).toHaveLength(1);
    expect(replayed()).toEqual(expected);
    expect(ownPacks()).toEqual(made);
  });

  it("is made anew for other flags of V8, and the build's is left as it is", () => {
    expect(netmem(["--version"], { NODE_OPTIONS: "--max-old-space-size=2000" }).code).toBe(0);
    expect(ownPacks()).toHaveLength(1);
    expect(readFileSync(built).equals(whole)).toBe(true);
  });

  it("is done without where no folder can be made, and where it is switched off", () => {
    rmSync(built);
    mkdirSync(cache);
    writeFileSync(join(cache, "netmem"), "a file");
    expect(replayed()).toEqual(expected);
    rmSync(join(cache, "netmem"));
    expect(replayed({ NODE_DISABLE_COMPILE_CACHE: "1" })).toEqual(expected);
    expect(ownPacks()).toEqual([]);
  });

  it("is not kept for a user without a home", () => {
    rmSync(built);
    expect(replayed({ XDG_CACHE_HOME: "relative", HOME: "" })).toEqual(expected);
    expect(existsSync(join(folder, "relative"))).toBe(false);
  });

  it("is not that of a program which was changed, be it by one letter", () => {
    const piece = join(folder, "dist/program/commands/exit-codes.js");
    const text = readFileSync(piece, "utf8");
    expect(netmem(["exit-codes"]).code).toBe(0);
    expect(text).toContain("async run(){");
    try {
      // As long as before, so that V8 itself would take the old code for it.
      writeFileSync(piece, text.replace("async run(){", "async nur(){"));
      expect(netmem(["exit-codes"]).code).not.toBe(0);
    } finally {
      writeFileSync(piece, text);
    }
  });
});
