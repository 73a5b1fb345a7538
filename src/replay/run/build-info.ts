import { readFileSync } from "node:fs";
import type { Build } from "../plan/reproduce.js";

const ROOT = new URL("../../../", import.meta.url);
let known: Build | undefined;

/** Version and, in a clone, commit of this netmem. */
export function build(): Build {
  if (known === undefined) {
    const { version } = JSON.parse(read("package.json") ?? "{}") as { version: string };
    known = { version, commit: commit() };
  }
  return known;
}

/** The commit that is checked out, from the clone's own files; null outside a clone. */
function commit(): string | null {
  const head = read(".git/HEAD")?.trim();
  if (head === undefined) return null;
  if (!head.startsWith("ref: ")) return head;
  const ref = head.slice(5);
  const loose = read(`.git/${ref}`)?.trim();
  const packed = read(".git/packed-refs")
    ?.split("\n")
    .find((line) => line.endsWith(` ${ref}`));
  return loose ?? packed?.split(" ")[0] ?? null;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, ROOT), "utf8");
  } catch {
    return undefined;
  }
}
