import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";
import type { Compiled } from "./code-pack.js";
import type { PackFile } from "./pack-file.js";

/** What a piece is given, in this order; scripts/piece.mjs writes the function's head. */
type Body = (
  load: (name: string) => unknown,
  lazily: (name: string) => Promise<unknown>,
  require: NodeJS.Require,
  importer: (specifier: string) => Promise<unknown>,
  dist: string,
) => unknown;

/** A piece that was loaded. */
interface Loaded {
  readonly script: Script;
  readonly textSum: number;
  /** Its code came out of a pack. */
  readonly packed: boolean;
  exports: unknown;
}

/**
 * The program's own pieces: files of `dist` that the build made of modules, each the text of one
 * function. Unlike modules they can be given to V8 together with code that it compiled before, on
 * any version of Node.
 *
 *      load(name) --> text --> a pack with V8's code for it? --> Script --> function --> exports
 *                                     none: compiled here, as functions are called
 */
export class Pieces {
  readonly #root: string;
  readonly #packs: readonly PackFile[];
  readonly #loaded = new Map<string, Loaded>();
  readonly #require: NodeJS.Require;
  readonly #dist: string;

  /**
   * @param root The folder that names are relative to, `program` in `dist`.
   * @param packs Where compiled code may come from, asked in this order.
   */
  constructor(root: string, packs: readonly PackFile[]) {
    this.#root = root;
    this.#packs = packs;
    this.#require = createRequire(import.meta.url);
    this.#dist = pathToFileURL(join(root, "../")).href;
  }

  /** What a piece exports. Pieces form no cycles, and each is run once. */
  readonly load = (name: string): unknown => {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known.exports;
    const bytes = readFileSync(join(this.#root, name));
    const textSum = crc32(bytes);
    // The build writes ASCII only, and this is V8's cheapest string.
    const { script, packed } = this.#compile(name, bytes.toString("latin1"), textSum);
    const loaded: Loaded = { script, textSum, packed, exports: undefined };
    this.#loaded.set(name, loaded);
    const body = script.runInThisContext() as Body;
    loaded.exports = body(this.load, this.#lazily, this.#require, importModule, this.#dist);
    return loaded.exports;
  };

  readonly #lazily = async (name: string): Promise<unknown> => this.load(name);

  /** Whether a piece was compiled here, so that its code is worth keeping. */
  get anyCompiledHere(): boolean {
    for (const { packed } of this.#loaded.values()) if (!packed) return true;
    return false;
  }

  /** V8's code of the pieces that were compiled here, with the functions that were called. */
  compiledHere(): Map<string, Compiled> {
    const found = new Map<string, Compiled>();
    for (const [name, { script, textSum, packed }] of this.#loaded) {
      if (!packed) found.set(name, { code: script.createCachedData(), textSum });
    }
    return found;
  }

  #compile(name: string, text: string, textSum: number): { script: Script; packed: boolean } {
    const filename = join(this.#root, name);
    for (const pack of this.#packs) {
      const found = pack.compiled(name);
      if (found === undefined || found.textSum !== textSum) continue;
      const script = new Script(text, { filename, cachedData: found.code });
      if (script.cachedDataRejected !== true) return { script, packed: true };
      pack.refuse();
    }
    return { script: new Script(text, { filename }), packed: false };
  }
}

/** A module from outside of the program. A script whose code was kept cannot call import(). */
function importModule(specifier: string): Promise<unknown> {
  return import(specifier);
}
