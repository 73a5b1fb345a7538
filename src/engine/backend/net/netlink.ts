import { errnoName, must, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import {
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
  SOL_NETLINK,
} from "../sys/netlink.js";
import { AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW } from "../sys/socket.js";

const HEADER_BYTES = 16;
/** Header, errno and the header of the request. */
const ERROR_BYTES = 36;
const ANSWER_BYTES = 65536;

/** One attribute: length, type, value, padded to four bytes. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** A 32-bit attribute. */
export function attribute32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}

/** A text attribute, with its closing zero. */
export function attributeText(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

/** struct ifinfomsg, of which only the interface number is ever set. */
export function ifinfo(index = 0): Buffer {
  const message = Buffer.alloc(16);
  message.writeInt32LE(index, 4);
  return message;
}

/** Splits a run of attributes; of equal types the last one counts. */
export function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/**
 * A netlink socket of one protocol, in the network namespace of the thread that opened it.
 *
 *      nlmsghdr [length u32][type u16][flags u16][sequence u32][port u32] payload ...
 */
export class Netlink {
  readonly #fd: number;
  readonly #answer = new Mapping({ bytes: ANSWER_BYTES });
  #sequence = 0;

  constructor(protocol: number) {
    this.#fd = must(
      libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol),
      "socket(netlink)",
    );
    const on = Buffer.from([1, 0, 0, 0]);
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
      libc().setsockopt(this.#fd, SOL_NETLINK, option, on, 4);
    }
  }

  /**
   * Sends a request and waits for its acknowledgment; answers the payloads that came before it.
   *
   * @throws SystemError with the kernel's errno, named `what`.
   */
  request(type: number, flags: number, payload: Buffer, what: string): Buffer[] {
    const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
    const message = Buffer.alloc(HEADER_BYTES + payload.length);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(type, 4);
    message.writeUInt16LE(NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK) | flags, 6);
    message.writeUInt32LE(++this.#sequence, 8);
    payload.copy(message, HEADER_BYTES);
    must(libc().send(this.#fd, message, message.length, 0), `${what}: send`);
    const answers: Buffer[] = [];
    for (;;) {
      const got = must(libc().recv(this.#fd, this.#answer.address, ANSWER_BYTES, 0), what);
      const bytes = Buffer.from(this.#answer.bytes.subarray(0, got));
      if (take(bytes, answers, what)) return answers;
    }
  }

  close(): void {
    libc().close(this.#fd);
    this.#answer.release();
  }
}

/** Takes the messages of one datagram; true once the last one was among them. */
function take(bytes: Buffer, answers: Buffer[], what: string): boolean {
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      throw new Error(`${what}: an answer of ${length} bytes`);
    }
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) {
      const code = -bytes.readInt32LE(at + HEADER_BYTES);
      if (code === 0) return true;
      const told = (bytes.readUInt16LE(at + 6) & NLM_F_ACK_TLVS) !== 0;
      const words = told ? wordsIn(bytes.subarray(at + ERROR_BYTES, at + length)) : "";
      throw new SystemError(what, code, words);
    }
    answers.push(bytes.subarray(at + HEADER_BYTES, at + length));
    at += (length + 3) & ~3;
  }
  return false;
}

function wordsIn(attributes: Buffer): string {
  const text = attributesOf(attributes).get(NLMSGERR_ATTR_MSG)?.toString("utf8") ?? "";
  return text.replace(/\0.*$/s, "");
}

/** What a refused request's error is called. */
export function reasonOf(error: unknown): string {
  return error instanceof SystemError ? errnoName(error.errno) : String(error);
}
