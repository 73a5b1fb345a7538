import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PackFile } from "../../src/start/pack-file.js";
import { Pieces } from "../../src/start/pieces.js";

const HEAD = '(function(__load,__lazily,require,__import,__dist){"use strict";';
let folder: string;
let program: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "netmem-pieces-"));
  program = join(folder, "program/");
  mkdirSync(program);
  write("a.js", 'const {two}=__load("b.js");return{four:()=>two()*2}');
  write("b.js", "return{two:()=>2}");
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, body: string): void {
  writeFileSync(join(program, name), `${HEAD}${body}})`);
}

/** Loads both pieces as a process with these packs would. */
function start(...packs: PackFile[]): { four: number; compiled: string[]; pieces: Pieces } {
  const pieces = new Pieces(program, packs);
  const four = (pieces.load("a.js") as { four(): number }).four();
  return { four, compiled: [...pieces.compiledHere().keys()], pieces };
}

/** A pack with the code of both pieces as they are now. */
function packed(path = join(folder, "code.pack"), ownOnly = false): PackFile {
  const { pieces } = start();
  new PackFile(path, ownOnly).add(
    () => pieces.compiledHere(),
    () => false,
  );
  return new PackFile(path, ownOnly);
}

describe("the program's pieces", () => {
  it("load one another, each once", () => {
    const { four, pieces } = start();
    expect(four).toBe(4);
    expect(pieces.load("b.js")).toBe(pieces.load("b.js"));
  });

  it("are compiled here without a pack, and not with one", () => {
    expect(start().compiled).toEqual(["a.js", "b.js"]);
    expect(start(packed())).toMatchObject({ four: 4, compiled: [] });
  });

  it("do not run the code of another text, be it as long", () => {
    const pack = packed();
    write("b.js", "return{two:()=>3}");
    expect(start(pack)).toMatchObject({ four: 6, compiled: ["b.js"] });
  });

  it("run whatever was done to the pack", () => {
    const { path } = packed();
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 97) {
      const spoilt = Buffer.from(whole);
      spoilt[at]! ^= 0xff;
      writeFileSync(path, at % 2 === 0 ? spoilt : whole.subarray(0, at));
      expect(start(new PackFile(path, false)).four).toBe(4);
    }
  });

  it("take from the second pack what the first has not, and from none that is refused", () => {
    const first = packed(join(folder, "first.pack"));
    const second = packed(join(folder, "second.pack"));
    first.refuse();
    expect(start(first, second).compiled).toEqual([]);
    second.refuse();
    expect(start(first, second).compiled).toEqual(["a.js", "b.js"]);
  });
});

describe("a pack's file", () => {
  it("is left unread where somebody else may write it", () => {
    const { path } = packed(join(folder, "own/code.pack"), true);
    expect(start(new PackFile(path, true)).compiled).toEqual([]);
    chmodSync(path, 0o666);
    expect(start(new PackFile(path, true)).compiled).toEqual(["a.js", "b.js"]);
    expect(statSync(join(folder, "own")).mode & 0o077).toBe(0);
  });

  it("keeps what stays and adds what is new, and leaves no draft", () => {
    const pack = packed();
    start(pack);
    write("c.js", "return{}");
    const pieces = new Pieces(program, [pack]);
    pieces.load("c.js");
    pack.add(
      () => pieces.compiledHere(),
      (name) => name !== "b.js",
    );
    const after = new PackFile(pack.path, false);
    const known = ["a.js", "b.js", "c.js"].filter((name) => after.compiled(name) !== undefined);
    expect(known).toEqual(["a.js", "c.js"]);
    expect(readdirSync(folder).sort()).toEqual(["code.pack", "program"]);
  });

  it("is not missed where it cannot be written, and nothing is compiled for it", () => {
    writeFileSync(join(folder, "file"), "");
    const made = () => {
      throw new Error("asked");
    };
    new PackFile(join(folder, "file", "code.pack"), true).add(made, () => true);
    expect(readdirSync(folder).sort()).toEqual(["file", "program"]);
  });

  it("stays whole when what it is made of fails", () => {
    const pack = packed();
    pack.add(
      () => {
        throw new Error("V8 has none");
      },
      () => true,
    );
    expect(start(new PackFile(pack.path, false)).compiled).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(["code.pack", "program"]);
  });
});
