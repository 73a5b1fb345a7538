import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { CodePack, type Compiled, encodePack } from "./code-pack.js";

/** Write permission of anybody but the owner. */
const OTHERS_WRITE = 0o022;

/** A file with compiled code, read when its first piece is asked for; it may well not be there. */
export class PackFile {
  readonly path: string;
  readonly #ownOnly: boolean;
  #pack: CodePack | null | undefined;

  /**
   * @param ownOnly The file counts only where it belongs to this process's user and nobody else
   *   may write it: code from it is run.
   */
  constructor(path: string, ownOnly: boolean) {
    this.path = path;
    this.#ownOnly = ownOnly;
  }

  /** Code of a piece, see {@link CodePack.compiled}. */
  compiled(name: string): Compiled | undefined {
    if (this.#pack === undefined) this.#pack = this.#read();
    return this.#pack?.compiled(name);
  }

  /** V8 does not take its code: it is of another V8, or of other flags. */
  refuse(): void {
    this.#pack = null;
  }

  /**
   * Puts pieces into the file, beside those of it for which `stays` holds. The file is replaced
   * whole or not at all, and nothing is said where it cannot be: a folder that is not this user's,
   * a full disk. `made` is asked once the file can be written.
   */
  add(made: () => ReadonlyMap<string, Compiled>, stays: (name: string) => boolean): void {
    const folder = dirname(this.path);
    const draft = `${this.path}.${process.pid}`;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (this.#ownOnly && !isOwn(statSync(folder))) return;
      writeFileSync(draft, "", { flag: "wx", mode: this.#ownOnly ? 0o600 : 0o644 });
    } catch {
      return;
    }
    try {
      const kept = new Map<string, Compiled>();
      for (const name of this.#pack?.names ?? []) {
        const compiled = this.#pack?.compiled(name);
        if (compiled !== undefined && stays(name)) kept.set(name, compiled);
      }
      writeFileSync(draft, encodePack(new Map([...kept, ...made()])));
      renameSync(draft, this.path);
    } catch {
      rmSync(draft, { force: true });
    }
  }

  #read(): CodePack | null {
    let fd: number | undefined;
    try {
      fd = openSync(this.path, "r");
      if (this.#ownOnly && !isOwn(fstatSync(fd))) return null;
      return CodePack.of(readFileSync(fd));
    } catch {
      return null;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }
}

/** Whether something is this process's user's, and nobody else's to write. */
function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.getuid?.() && (mode & OTHERS_WRITE) === 0;
}
