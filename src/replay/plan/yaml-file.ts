import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Document } from "yaml";
import { NetmemError } from "../error.js";

/** A file of settings larger than this is none. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** What a kind of file is called, and what to do where one cannot be used. */
export interface FileKind {
  /** `configuration file`, `fault plan`. */
  readonly name: string;
  /** Where it cannot be read. */
  readonly whenUnreadable: string;
  /** Where its syntax is wrong, or its aliases are. */
  readonly whenMalformed: string;
}

/** A YAML or JSON file, parsed, that can say on which line something stands. */
export interface YamlFile {
  readonly document: Document.Parsed;
  /** `path:line` of an offset into the text. */
  lineOf(offset: number): string;
  /** The file as plain values. @throws NetmemError NETMEM_CONFIG for aliases that lead nowhere. */
  plain(): unknown;
}

/** The nearest file of one of these names, from `cwd` upward; undefined if there is none. */
export async function findUpward(
  cwd: string,
  names: readonly string[],
): Promise<string | undefined> {
  let folder = cwd;
  for (;;) {
    for (const name of names) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile() === true) return path;
    }
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

/** @throws NetmemError NETMEM_CONFIG with file and line for what cannot be read or parsed. */
export async function readYaml(path: string, kind: FileKind): Promise<YamlFile> {
  const [text, { LineCounter, parseDocument }] = await Promise.all([
    readText(path, kind),
    import("yaml"),
  ]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  const lineOf = (offset: number) => `${path}:${lineCounter.linePos(offset).line}`;
  const malformed = (message: string) =>
    new NetmemError("NETMEM_CONFIG", message, kind.whenMalformed);
  for (const problem of document.errors) {
    throw malformed(`${lineOf(problem.pos[0])}: ${problem.message}`);
  }
  const plain = () => {
    try {
      return document.toJS() as unknown;
    } catch (error) {
      throw malformed(`${path}: ${(error as Error).message}`);
    }
  };
  return { document, lineOf, plain };
}

async function readText(path: string, kind: FileKind): Promise<string> {
  const unreadable = (message: string) =>
    new NetmemError("NETMEM_CONFIG", message, kind.whenUnreadable);
  try {
    const handle = await open(path);
    try {
      const bytes = await readSome(handle);
      if (bytes.length <= MAX_CONFIG_BYTES) return new TextDecoder().decode(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw unreadable(`${kind.name} ${path}: ${reason}`);
  }
  throw unreadable(`${kind.name} ${path} is larger than 1 MiB`);
}

/** A file of any kind, up to one byte more than there may be: /dev/zero has no end. */
async function readSome(handle: FileHandle): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_CONFIG_BYTES + 1);
  let filled = 0;
  for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
    got = (await handle.read(bytes, filled, bytes.length - filled)).bytesRead;
  }
  return bytes.subarray(0, filled);
}
