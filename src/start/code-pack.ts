import { crc32 } from "node:zlib";

/**
 * V8's compiled code of several pieces in one file. Nothing in it is trusted: a file that was cut,
 * spoilt or made of other pieces yields no code, and the program is compiled as without it.
 *
 *      "NMCODE1\n" | length of header (u32le) | header | ... code of a piece ... | code of another
 *
 *      header, JSON: { name: [offset, length, CRC-32 of the code, CRC-32 of the piece's text] }
 *
 * V8 itself only compares its version, its flags and the length of the text, hence the sums.
 */

const MAGIC = Buffer.from("NMCODE1\n", "latin1");
const HEADER_AT = MAGIC.length + 4;
/** V8 copies code that does not begin at such a multiple. */
const ALIGN = 16;

/** Compiled code of one piece, and the sum of the text that it was compiled from. */
export interface Compiled {
  readonly code: Buffer;
  readonly textSum: number;
}

type Entry = readonly [offset: number, length: number, codeSum: number, textSum: number];

/** A pack's bytes: see the head of this file. */
export function encodePack(pieces: ReadonlyMap<string, Compiled>): Buffer {
  const header: Record<string, Entry> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { code, textSum }] of pieces) {
    header[name] = [offset, code.length, crc32(code), textSum];
    const padding = -code.length & (ALIGN - 1);
    parts.push(code, new Uint8Array(padding));
    offset += code.length + padding;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const head = Buffer.concat([MAGIC, length, json]);
  return Buffer.concat([head, new Uint8Array(-head.length & (ALIGN - 1)), ...parts]);
}

/** A pack that was read. */
export class CodePack {
  readonly #bytes: Buffer;
  readonly #header: ReadonlyMap<string, unknown>;
  readonly #codeAt: number;

  private constructor(bytes: Buffer, header: ReadonlyMap<string, unknown>, codeAt: number) {
    this.#bytes = bytes;
    this.#header = header;
    this.#codeAt = codeAt;
  }

  /** Reads a pack's header; null where these bytes are none. */
  static of(bytes: Buffer): CodePack | null {
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes.length < HEADER_AT) return null;
    const end = HEADER_AT + bytes.readUInt32LE(MAGIC.length);
    try {
      const header = new Map(Object.entries(JSON.parse(bytes.toString("utf8", HEADER_AT, end))));
      return new CodePack(bytes, header, (end + ALIGN - 1) & -ALIGN);
    } catch {
      return null;
    }
  }

  /** The names of the pieces whose code it has. */
  get names(): string[] {
    return [...this.#header.keys()];
  }

  /** The code of a piece; undefined where it has none, or where it is spoilt. */
  compiled(name: string): Compiled | undefined {
    const entry = this.#header.get(name);
    if (!Array.isArray(entry)) return undefined;
    const [offset, length, codeSum, textSum] = entry as unknown as Entry;
    const code = this.#bytes.subarray(this.#codeAt + offset, this.#codeAt + offset + length);
    if (code.length !== length || crc32(code) !== codeSum) return undefined;
    return { code, textSum };
  }
}
