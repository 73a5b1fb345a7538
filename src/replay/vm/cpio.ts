import type { Stats } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/**
 * An archive in the "newc" format that Linux unpacks as initramfs; several may follow each other.
 *
 *      "070701" ino mode uid gid nlink mtime size devmajor devminor rmajor rminor namesize check
 *      name \0 pad to 4    data pad to 4       ...       "TRAILER!!!"
 *
 * (Documentation/driver-api/early-userspace/buffer-format.rst)
 */
export class CpioArchive {
  readonly #chunks: Buffer[] = [];
  readonly #folders = new Set<string>();
  #inode = 1;

  /** A folder, behind its parents; one that is there already is not written again. */
  folder(name: string): void {
    const parts = name.split("/");
    for (let i = 1; i <= parts.length; i++) {
      const path = parts.slice(0, i).join("/");
      if (this.#folders.has(path)) continue;
      this.#folders.add(path);
      this.#entry(path, S_IFDIR | 0o755, Buffer.alloc(0));
    }
  }

  /** A regular file, behind its folders. */
  file(name: string, data: Buffer, mode = 0o644): void {
    if (name.includes("/")) this.folder(name.slice(0, name.lastIndexOf("/")));
    this.#entry(name, S_IFREG | mode, data);
  }

  /** A character device. */
  device(name: string, mode: number, major: number, minor: number): void {
    this.#entry(name, S_IFCHR | mode, Buffer.alloc(0), major, minor);
  }

  /** What lies below a folder of the machine, under `name` ("" for the root). */
  async tree(folder: string, name: string, wanted = (_: string) => true): Promise<void> {
    const queue = [{ path: folder, name }];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const child of (await readdir(next.path)).sort()) {
        const path = join(next.path, child);
        const childName = next.name === "" ? child : `${next.name}/${child}`;
        const facts = await lstat(path);
        if (facts.isDirectory()) queue.push({ path, name: childName });
        if (facts.isDirectory() || wanted(child)) await this.#add(path, childName, facts);
      }
    }
  }

  /** The archive so far, closed. */
  bytes(): Buffer {
    this.#entry("TRAILER!!!", 0, Buffer.alloc(0));
    return Buffer.concat(this.#chunks);
  }

  async #add(path: string, name: string, facts: Stats): Promise<void> {
    if (facts.isDirectory()) this.folder(name);
    else if (facts.isSymbolicLink())
      this.#entry(name, facts.mode, Buffer.from(await readlink(path)));
    else if (facts.isFile()) this.#entry(name, facts.mode, await readFile(path));
  }

  #entry(name: string, mode: number, data: Buffer, major = 0, minor = 0): void {
    const text = Buffer.from(`${name}\0`);
    const fields = [
      this.#inode++,
      mode,
      0,
      0,
      1,
      0,
      data.length,
      0,
      0,
      major,
      minor,
      text.length,
      0,
    ];
    const hex = fields.map((field) => (field >>> 0).toString(16).padStart(8, "0")).join("");
    const head = Buffer.concat([Buffer.from(`070701${hex}`), text]);
    this.#chunks.push(head, padding(head.length), data, padding(data.length));
  }
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
