import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { packageFolder } from "./base-image.js";
import { CpioArchive } from "./cpio.js";
import { PACKAGE_ROOT } from "./places.js";

/** What of package.json says what is loaded at run time. */
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * netmem itself as the guest runs it: this very build and the packages that it loads.
 *
 *      /netmem/{package.json,bin,dist,node_modules/...}
 */
export async function appImage(): Promise<Buffer> {
  const archive = new CpioArchive();
  archive.file("netmem/package.json", await readFile(join(PACKAGE_ROOT, "package.json")));
  for (const part of ["bin", "dist"]) {
    archive.folder(`netmem/${part}`);
    await archive.tree(join(PACKAGE_ROOT, part), `netmem/${part}`, isRead);
  }
  for (const [path, name] of await runtimePackages()) {
    archive.folder(`netmem/${name}`);
    await archive.tree(path, `netmem/${name}`, isRead);
  }
  return archive.bytes();
}

/** Whether a file may be read by a program that runs: types, maps and texts are not. */
function isRead(name: string): boolean {
  return !/\.(ts|cts|mts|map|md|txt|flow)$/.test(name);
}

/** Every package that netmem may load, by its folder here, with its folder below the root. */
async function runtimePackages(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const queue = [PACKAGE_ROOT];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const manifest = JSON.parse(await readFile(join(at, "package.json"), "utf8")) as Manifest;
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    for (const name of names) {
      const folder = packageFolder(name, at);
      if (folder === null || found.has(folder)) continue;
      const below = relative(PACKAGE_ROOT, folder);
      // A package installed beside netmem, not below it, is found one folder further up.
      found.set(folder, below.startsWith("..") ? `node_modules/${name}` : below);
      queue.push(folder);
    }
  }
  return found;
}
