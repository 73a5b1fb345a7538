import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedDataVersionTag } from "node:v8";
import { crc32 } from "node:zlib";
import { PackFile } from "./pack-file.js";
import { Pieces } from "./pieces.js";

// What a process begins with: loads the program's pieces, with V8's code for them where a pack has
// it. The build makes such a pack for its own Node (scripts/code.mjs). Another Node, or other
// flags, make one in the user's cache folder when their first run ends.

const DIST = fileURLToPath(new URL("../", import.meta.url));

/** The pack that the build makes for the Node that runs it. */
export const BUILT_PACK = join(DIST, `code-${process.version}-${process.arch}.pack`);

// V8's version and flags: it takes code only under those that it was compiled under.
const v8 = cachedDataVersionTag();
const own = keepsCode() ? ownPack() : null;
const packs = keepsCode() ? [new PackFile(BUILT_PACK, false)] : [];
if (own !== null) packs.push(own);
const PROGRAM = join(DIST, "program/");
const pieces = new Pieces(PROGRAM, packs);

/** What a piece of the program exports, by its path below `dist/program`. */
export const { load } = pieces;

if (own !== null) process.on("exit", keepCode);

/** Writes the pack of the build with what this process has loaded and called so far. */
export function writeBuiltPack(): void {
  process.off("exit", keepCode);
  new PackFile(BUILT_PACK, false).add(
    () => pieces.compiledHere(),
    () => false,
  );
}

/** As Node's own cache of code: off where somebody says so, and where coverage is counted. */
function keepsCode(): boolean {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env;
  return NODE_DISABLE_COMPILE_CACHE === undefined && NODE_V8_COVERAGE === undefined;
}

/** This user's pack for this Node, these flags and this copy of netmem; null without a home. */
function ownPack(): PackFile | null {
  const cache = cacheFolder();
  if (cache === null) return null;
  const name = `${process.version}-${v8.toString(16)}-${crc32(DIST).toString(16)}.pack`;
  return new PackFile(join(cache, "netmem", "code", name), true);
}

/** Where a user's programs keep what can be made again (XDG Base Directory Specification). */
function cacheFolder(): string | null {
  const named = process.env.XDG_CACHE_HOME ?? "";
  if (isAbsolute(named)) return named;
  try {
    return join(homedir(), ".cache");
  } catch {
    // A user whom the system does not know, as containers have them.
    return null;
  }
}

function keepCode(): void {
  // A long run changes V8's flags on its way (replay/measure/v8-flags.ts).
  if (!pieces.anyCompiledHere || cachedDataVersionTag() !== v8) return;
  own?.add(
    () => pieces.compiledHere(),
    (name) => existsSync(join(PROGRAM, name)),
  );
}
