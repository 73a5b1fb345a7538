import { createRequire } from "node:module";
import type { LibraryHandle } from "koffi";
import { Unavailable } from "../unavailable.js";

type Koffi = typeof import("koffi");

let loaded: Koffi | undefined;

/**
 * The foreign-function library: the only door to it. It is an optional package; the model works
 * without it.
 *
 * @throws Unavailable where the package or its binary for this machine is not installed.
 */
export function koffi(): Koffi {
  if (loaded !== undefined) return loaded;
  try {
    const found = createRequire(import.meta.url)("koffi") as Koffi & { default?: Koffi };
    loaded = found.default ?? found;
    return loaded;
  } catch {
    throw new Unavailable(
      "koffi",
      "the package koffi, or its binary for this machine, is not installed",
      "npm install --include=optional",
    );
  }
}

let library: LibraryHandle | undefined;

/** The C library that this process already runs on. */
export function clib(): LibraryHandle {
  library ??= koffi().load(null);
  return library;
}
