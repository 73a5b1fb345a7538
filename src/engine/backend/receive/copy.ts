import { LogLinearHistogram } from "../../probe/histogram.js";
import { EAGAIN, ECONNRESET, EPIPE, errno, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { MSG_DONTWAIT } from "../sys/socket.js";
import { DRAINED, ENDED, RESET, type ReadEnd, type Receiver } from "./receiver.js";

/** recv(2): each byte is copied from the skb into the application's buffer. */
export class CopyReceiver implements Receiver {
  copiedBytes = 0;
  readonly mappedBytes = 0;
  readonly hold = new LogLinearHistogram();
  readonly heldPages = 0;
  readonly #buffer: Mapping;
  readonly #readBytes: number;

  constructor(readBytes: number) {
    this.#readBytes = readBytes;
    this.#buffer = new Mapping({ bytes: readBytes });
  }

  open(): void {}

  read(fd: number, take: (bytes: Uint8Array) => void): ReadEnd {
    for (;;) {
      const got = this.readOnce(fd, this.#readBytes, take);
      if (got <= 0) return endOf(got);
      if (got < this.#readBytes) return DRAINED;
    }
  }

  /** One recv of at most `bytes`; answers what it answered, or an errno below 0. */
  readOnce(fd: number, bytes: number, take: (bytes: Uint8Array) => void): number {
    const len = Math.min(bytes, this.#readBytes);
    const got = libc().recv(fd, this.#buffer.at(0, len), len, MSG_DONTWAIT);
    if (got < 0) return -errno();
    if (got > 0) {
      this.copiedBytes += got;
      take(this.#buffer.bytes.subarray(0, got));
    }
    return got;
  }

  forget(): void {}

  close(): void {
    this.#buffer.release();
  }
}

/** What a recv that brought nothing says: 0, or an errno below 0. EPIPE is a reset after a FIN. */
export function endOf(got: number, call = "recv"): ReadEnd {
  if (got === 0 || got === -EPIPE) return ENDED;
  if (got === -EAGAIN) return DRAINED;
  if (got === -ECONNRESET) return RESET;
  throw new SystemError(call, -got);
}
