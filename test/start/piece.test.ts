import { describe, expect, it } from "vitest";
// @ts-expect-error the build's own script, without types
import { pieceOf } from "../../scripts/piece.mjs";

type Load = (name: string) => unknown;

/** Runs a piece over the exports of others. */
function run(text: string, others: Record<string, unknown> = {}, require: Load = () => ({})) {
  const load = (name: string) => others[name];
  const importer = async (specifier: string) => ({ specifier });
  const lazily = async (name: string) => load(name);
  return new Function("a", `return ${text}(...a)`)([load, lazily, require, importer, "file:///d/"]);
}

describe("the piece of a module", () => {
  it("exports what the module did, by the outer names", () => {
    const text = pieceOf("chunks/a.js", 'const x=1;function f(){return x}export{f as "g",x};');
    expect(run(text).g()).toBe(1);
    expect(Object.keys(run(text))).toEqual(["g", "x"]);
  });

  it("takes its imports from pieces by their path, and from packages", () => {
    const module =
      'import{a as b}from"../chunks/x.js";import p,{q}from"node:path";import*as n from"./y.js";' +
      'import"./z.js";export const sum=()=>0;';
    expect(() => pieceOf("commands/c.js", module)).toThrow(/only export lists/);
    const listed = module.replace("export const sum=()=>0;", "const s=[b,p.q,q,n.k];export{s};");
    const others = { "chunks/x.js": { a: 1 }, "commands/y.js": { k: 4 } };
    expect(run(pieceOf("commands/c.js", listed), others, () => ({ q: 3 })).s).toEqual([1, 3, 3, 4]);
  });

  it("imports lazily: own files as pieces, anything else as modules", async () => {
    const module = 'const l=()=>import("./y.js"),m=(u)=>import(u);export{l,m};';
    const piece = run(pieceOf("chunks/a.js", module), { "chunks/y.js": { k: 4 } });
    expect(await piece.l()).toEqual({ k: 4 });
    expect(await piece.m("yaml")).toEqual({ specifier: "yaml" });
  });

  it("shows an export that a function assigns later as it is then", () => {
    const piece = run(pieceOf("a.js", "var x,init=()=>{x=2};export{x,init};"));
    expect(piece.x).toBeUndefined();
    piece.init();
    expect(piece.x).toBe(2);
  });

  it("is ASCII, whatever the module has in a regular expression", () => {
    const text = pieceOf("a.js", "const r=/[\u009b\u00e9]/;export{r};");
    expect(text).toMatch(/^[\0-\x7f]*$/);
    expect(run(text).r.test("\u009b")).toBe(true);
  });

  it("is refused where the module asks for its own place", () => {
    expect(() => pieceOf("a.js", "const u=import.meta.url;export{u};")).toThrow(/import\.meta/);
  });
});
