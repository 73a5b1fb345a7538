import { readFileSync } from "node:fs";
import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { addressOf, MAP_SHARED, Mapping } from "../ffi/memory.js";
import {
  PERF_ATTR_BYTES,
  PERF_DATA_HEAD,
  PERF_DATA_TAIL,
  PERF_EVENT_IOC_SET_FILTER,
  PERF_FLAG_FD_CLOEXEC,
  PERF_RECORD_SAMPLE,
  PERF_SAMPLE_RAW,
  PERF_SAMPLE_TID,
  PERF_TYPE_TRACEPOINT,
} from "../sys/perf.js";
import { SYSCALL } from "../sys/syscalls.js";
import { refused } from "./tracefs.js";

const PAGE = 4096;
/** Header of a record, then pid, tid and the length of the raw data. */
const RAW_AT = 20;

/** Counts an event on every CPU. The counters go with their descriptors, however the run ends. */
export class TracepointCounter {
  readonly #fds: readonly number[];
  readonly #value = new Mapping({ bytes: 8 });

  /**
   * @param filter what the event's fields must be, such as `pool == 0x1`; all are counted without.
   * @throws Unavailable where the user may not.
   */
  constructor(id: number, filter: string | null) {
    this.#fds = onlineCpus().map((cpu) => open(id, cpu, 0, filter));
  }

  /** How often it happened since the counter was made. */
  read(): number {
    const { bytes } = this.#value;
    const value = new DataView(bytes.buffer, bytes.byteOffset, 8);
    let sum = 0;
    for (const fd of this.#fds) {
      must(libc().read(fd, this.#value.at(0, 8), 8), "read(perf)");
      sum += Number(value.getBigUint64(0, true));
    }
    return sum;
  }

  close(): void {
    for (const fd of this.#fds) libc().close(fd);
    this.#value.release();
  }
}

/** Takes one record: its bytes by the offsets of the event's format, and who caused it. */
export type TakeRecord = (record: DataView, pid: number) => void;

/**
 * Writes an event's records down, CPU by CPU (kernel/events/ring_buffer.c). What does not fit until
 * it is read is lost.
 *
 *      [ control page: data_head, data_tail ][ record | record | ... ]  a ring of `pages` pages
 */
export class TracepointLog {
  readonly #rings: ReadonlyArray<{ readonly fd: number; readonly memory: Mapping }>;

  /** @param pages of each CPU's ring, a power of two. */
  constructor(id: number, filter: string | null, pages: number) {
    this.#rings = onlineCpus().map((cpu) => {
      const fd = open(id, cpu, 1, filter);
      const memory = new Mapping({ bytes: (1 + pages) * PAGE, flags: MAP_SHARED, fd });
      return { fd, memory };
    });
  }

  /** Hands over what was written since the last call. */
  read(take: TakeRecord): void {
    for (const { memory } of this.#rings) readRing(memory.bytes, take);
  }

  close(): void {
    for (const { fd, memory } of this.#rings) {
      libc().close(fd);
      memory.release();
    }
  }
}

function readRing(bytes: Uint8Array, take: TakeRecord): void {
  const control = new BigInt64Array(bytes.buffer, bytes.byteOffset, PAGE / 8);
  const size = bytes.length - PAGE;
  const head = Number(Atomics.load(control, PERF_DATA_HEAD / 8));
  let tail = Number(Atomics.load(control, PERF_DATA_TAIL / 8));
  while (tail < head) {
    const header = ringBytes(bytes, tail, 8);
    const len = header.getUint16(6, true);
    if (header.getUint32(0, true) === PERF_RECORD_SAMPLE && len > RAW_AT) {
      const record = ringBytes(bytes, tail, len);
      const raw = record.getUint32(16, true);
      take(
        new DataView(record.buffer, RAW_AT, Math.min(raw, len - RAW_AT)),
        record.getUint32(8, true),
      );
    }
    if (len === 0 || len > size) break;
    tail += len;
  }
  Atomics.store(control, PERF_DATA_TAIL / 8, BigInt(head));
}

/** A copy of `len` bytes from ring position `at`, which may run over the ring's end. */
function ringBytes(bytes: Uint8Array, at: number, len: number): DataView {
  const size = bytes.length - PAGE;
  const from = at % size;
  const copy = new Uint8Array(len);
  const first = Math.min(len, size - from);
  copy.set(bytes.subarray(PAGE + from, PAGE + from + first));
  copy.set(bytes.subarray(PAGE, PAGE + len - first), first);
  return new DataView(copy.buffer);
}

/** perf_event_open of a tracepoint on one CPU; `period` 0 counts, 1 samples each. */
function open(id: number, cpu: number, period: number, filter: string | null): number {
  const attr = Buffer.alloc(PERF_ATTR_BYTES);
  attr.writeUInt32LE(PERF_TYPE_TRACEPOINT, 0);
  attr.writeUInt32LE(PERF_ATTR_BYTES, 4);
  attr.writeBigUInt64LE(BigInt(id), 8);
  attr.writeBigUInt64LE(BigInt(period), 16);
  attr.writeBigUInt64LE(BigInt(PERF_SAMPLE_TID | PERF_SAMPLE_RAW), 24);
  const call = SYSCALL.perf_event_open;
  const at = addressOf(attr);
  const fd = libc().syscall(call, at, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC, 0);
  if (fd < 0) throw refused("tracepoints cannot be counted");
  if (filter !== null) {
    const text = Buffer.from(`${filter}\0`);
    must(libc().ioctl(fd, PERF_EVENT_IOC_SET_FILTER, text), `filter ${filter}`);
  }
  return fd;
}

/** Numbers of the CPUs that are on: `0-3,6` names five. */
function onlineCpus(): number[] {
  const text = readFileSync("/sys/devices/system/cpu/online", "utf8").trim();
  return text.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}
