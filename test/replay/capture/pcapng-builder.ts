/** Builds pcapng blocks in either byte order (draft-ietf-opsawg-pcapng), for tests. */
export class PcapngBuilder {
  readonly #parts: Uint8Array[] = [];
  readonly #little: boolean;

  constructor(littleEndian = true) {
    this.#little = littleEndian;
  }

  /** All blocks so far. */
  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  get length(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  section(sectionLength = -1n, options: Uint8Array = new Uint8Array(0)): this {
    const body = new DataView(new ArrayBuffer(16));
    body.setUint32(0, 0x1a2b3c4d, this.#little);
    body.setUint16(4, 1, this.#little);
    body.setBigInt64(8, sectionLength, this.#little);
    return this.block(0x0a0d0d0a, new Uint8Array(body.buffer), options);
  }

  interface(linkType: number, options: Uint8Array = new Uint8Array(0), snaplen = 0): this {
    const body = new DataView(new ArrayBuffer(8));
    body.setUint16(0, linkType, this.#little);
    body.setUint32(4, snaplen, this.#little);
    return this.block(1, new Uint8Array(body.buffer), options);
  }

  /** An option: code, length, value, padding. */
  option(code: number, value: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(4 + Math.ceil(value.length / 4) * 4);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, code, this.#little);
    view.setUint16(2, value.length, this.#little);
    bytes.set(value, 4);
    return bytes;
  }

  tsresol(value: number): Uint8Array {
    return this.option(9, Uint8Array.of(value));
  }

  tsoffset(seconds: bigint): Uint8Array {
    const value = new DataView(new ArrayBuffer(8));
    value.setBigInt64(0, seconds, this.#little);
    return this.option(14, new Uint8Array(value.buffer));
  }

  enhanced(
    interfaceId: number,
    stamp: bigint,
    frame: Uint8Array,
    { captured = frame.length, len = frame.length, options = new Uint8Array(0) as Uint8Array } = {},
  ): this {
    const head = this.#packetHead(stamp, captured, len);
    new DataView(head.buffer).setUint32(0, interfaceId, this.#little);
    return this.block(6, head, padded(frame), options);
  }

  /** The obsolete packet block: a 16-bit interface and a drops count. */
  obsolete(interfaceId: number, stamp: bigint, frame: Uint8Array): this {
    const head = this.#packetHead(stamp, frame.length, frame.length);
    const view = new DataView(head.buffer);
    view.setUint16(0, interfaceId, this.#little);
    view.setUint16(2, 0xffff, this.#little);
    return this.block(2, head, padded(frame));
  }

  simple(frame: Uint8Array, len = frame.length): this {
    const head = new DataView(new ArrayBuffer(4));
    head.setUint32(0, len, this.#little);
    return this.block(3, new Uint8Array(head.buffer), padded(frame));
  }

  block(type: number, ...body: Uint8Array[]): this {
    const bodyBytes = body.reduce((sum, part) => sum + part.length, 0);
    const bytes = new Uint8Array(12 + bodyBytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, type, this.#little);
    view.setUint32(4, bytes.length, this.#little);
    bytes.set(Buffer.concat(body), 8);
    view.setUint32(bytes.length - 4, bytes.length, this.#little);
    return this.raw(bytes);
  }

  #packetHead(stamp: bigint, captured: number, len: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(20));
    view.setUint32(4, Number(BigInt.asUintN(64, stamp) >> 32n), this.#little);
    view.setUint32(8, Number(stamp & 0xffff_ffffn), this.#little);
    view.setUint32(12, captured, this.#little);
    view.setUint32(16, len, this.#little);
    return new Uint8Array(view.buffer);
  }
}

function padded(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(frame.length / 4) * 4);
  bytes.set(frame);
  return bytes;
}
