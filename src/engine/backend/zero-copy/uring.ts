import { errno, must, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { MAP_POPULATE, MAP_SHARED, Mapping } from "../ffi/memory.js";
import * as io from "../sys/io-uring.js";
import { SYSCALL } from "../sys/syscalls.js";

const EINTR = 4;
const EBUSY = 16;
const PARAMS_BYTES = 120;
/** Where struct io_uring_params has the offsets of both rings. */
const SQ_OFF = 40;
const CQ_OFF = 80;

/** A completion as the ring has it; valid until the next one is asked for. */
export interface Completion {
  userData: number;
  result: number;
  more: boolean;
  /** The second half of a large entry, its first 64 bits (io_uring_zcrx_cqe.off). */
  extra: bigint;
}

/**
 * An io_uring with large completion entries, as zcrx wants it: one issuer, completions run when
 * they are asked for.
 *
 *      submissions [head .. tail]  --enter-->  kernel  -->  completions [head .. tail]
 */
export class Uring {
  readonly fd: number;
  readonly #ring: Mapping;
  readonly #sqes: Mapping;
  readonly #view: DataView;
  readonly #sqeView: DataView;
  readonly #words: Int32Array;
  readonly #sq: { head: number; tail: number; mask: number; array: number };
  readonly #cq: { head: number; tail: number; mask: number; cqes: number };
  readonly #completion: Completion = { userData: 0, result: 0, more: false, extra: 0n };
  #unsubmitted = 0;

  /** @throws SystemError where the kernel has no io_uring, or not for this user. */
  constructor(submissions: number, completions: number) {
    const params = Buffer.alloc(PARAMS_BYTES);
    params.writeUInt32LE(completions, 4);
    params.writeUInt32LE(
      io.IORING_SETUP_CQSIZE |
        io.IORING_SETUP_SUBMIT_ALL |
        io.IORING_SETUP_CQE32 |
        io.IORING_SETUP_SINGLE_ISSUER |
        io.IORING_SETUP_DEFER_TASKRUN,
      8,
    );
    const memory = new Mapping({ bytes: PARAMS_BYTES });
    memory.bytes.set(params);
    const setup = libc().syscall(
      SYSCALL.io_uring_setup,
      submissions,
      memory.at(0, PARAMS_BYTES),
      0,
      0,
      0,
      0,
    );
    this.fd = must(setup, "io_uring_setup");
    const answer = Buffer.from(memory.bytes.subarray(0, PARAMS_BYTES));
    memory.release();
    const sq = (k: number) => answer.readUInt32LE(SQ_OFF + 4 * k);
    const cq = (k: number) => answer.readUInt32LE(CQ_OFF + 4 * k);
    const entries = answer.readUInt32LE(0);
    const bytes = Math.max(sq(6) + entries * 4, cq(5) + answer.readUInt32LE(4) * io.CQE_BYTES);
    const flags = MAP_SHARED | MAP_POPULATE;
    this.#ring = new Mapping({ bytes, flags, fd: this.fd, offset: io.IORING_OFF_SQ_RING });
    const sqeBytes = entries * io.SQE_BYTES;
    this.#sqes = new Mapping({ bytes: sqeBytes, flags, fd: this.fd, offset: io.IORING_OFF_SQES });
    this.#view = this.#ring.view;
    this.#sqeView = this.#sqes.view;
    const ring = this.#ring.bytes;
    this.#words = new Int32Array(ring.buffer, ring.byteOffset, ring.byteLength >> 2);
    this.#sq = { head: sq(0), tail: sq(1), mask: entries - 1, array: sq(6) };
    this.#cq = { head: cq(0), tail: cq(1), mask: answer.readUInt32LE(4) - 1, cqes: cq(5) };
  }

  /** Where the next submission is written: a view and the offset of its 64 bytes, zeroed. */
  submission(): { readonly view: DataView; readonly at: number } {
    if (this.#unsubmitted > this.#sq.mask) this.enter();
    const tail = Atomics.load(this.#words, this.#sq.tail >> 2);
    const slot = tail & this.#sq.mask;
    const at = slot * io.SQE_BYTES;
    this.#sqes.bytes.fill(0, at, at + io.SQE_BYTES);
    this.#view.setUint32(this.#sq.array + 4 * slot, slot, true);
    Atomics.store(this.#words, this.#sq.tail >> 2, (tail + 1) | 0);
    this.#unsubmitted++;
    return { view: this.#sqeView, at };
  }

  /** Hands submissions over and lets completions run. */
  enter(): void {
    const entered = libc().syscall(
      SYSCALL.io_uring_enter,
      this.fd,
      this.#unsubmitted,
      0,
      io.IORING_ENTER_GETEVENTS,
      0,
      0,
    );
    if (entered >= 0) {
      this.#unsubmitted -= entered;
      return;
    }
    const code = errno();
    if (code !== EINTR && code !== EBUSY) throw new SystemError("io_uring_enter", code);
  }

  /** The next completion, or null. */
  next(): Completion | null {
    const head = Atomics.load(this.#words, this.#cq.head >> 2);
    if (head === Atomics.load(this.#words, this.#cq.tail >> 2)) return null;
    const at = this.#cq.cqes + (head & this.#cq.mask) * io.CQE_BYTES;
    const view = this.#view;
    const completion = this.#completion;
    completion.userData = Number(view.getBigUint64(at, true));
    completion.result = view.getInt32(at + 8, true);
    completion.more = (view.getUint32(at + 12, true) & io.IORING_CQE_F_MORE) !== 0;
    completion.extra = view.getBigUint64(at + 16, true);
    Atomics.store(this.#words, this.#cq.head >> 2, (head + 1) | 0);
    return completion;
  }

  /** io_uring_register; answers 0 or an errno below 0. */
  register(operation: number, arg: number, count: number): number {
    const done = libc().syscall(SYSCALL.io_uring_register, this.fd, operation, arg, count, 0, 0);
    return done < 0 ? -errno() : done;
  }

  close(): void {
    libc().close(this.fd);
    this.#ring.release();
    this.#sqes.release();
  }
}
