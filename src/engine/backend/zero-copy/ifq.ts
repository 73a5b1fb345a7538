import { kernelNowNs, sleepNs } from "../clock.js";
import { EEXIST, EINVAL } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { MAP_ANONYMOUS, MAP_POPULATE, MAP_PRIVATE, Mapping } from "../ffi/memory.js";
import { interfaceIndex } from "../net/device.js";
import * as io from "../sys/io-uring.js";
import { Unavailable } from "../unavailable.js";
import type { ZeroCopyLink } from "./link.js";
import { refusedProvider } from "./refusals.js";
import type { Uring } from "./uring.js";

const PAGE = 4096;
const HUGE_PAGE = 2 * 1024 * 1024;
const MAP_HUGETLB = 0x40000;
const MAP_HUGE_2MB = 21 << 26;
const MADV_NOHUGEPAGE = 15;
/** Head, tail and the kernel's own alignment in front of the refill entries. */
const RQ_HEAD_BYTES = 2 * PAGE;
/** Room behind the entries for struct io_uring_zcrx_notif_stats. */
const STATS_BYTES = 64;
/** Between two attempts on a queue that is still taken. */
const RETRY_NS = 1e6;
/** Where the parts of one registration lie in its page. */
const REGION_AT = 0;
const AREA_AT = 64;
const EVENT_AT = 128;
const REG_AT = 256;
const CTRL_AT = 512;

/** What the kernel counted of its own copies. */
export interface CopyStats {
  readonly count: number;
  readonly bytes: number;
}

/**
 * A zcrx instance: an area of the user's memory as the memory provider of a device queue, and the
 * refill ring by which its buffers go back (io_uring/zcrx.c, io_register_zcrx_ifq).
 *
 *      area    [ niov 0 ][ niov 1 ] ...            written by the NIC, read here
 *      region  [ head tail ][ rqe rqe rqe ... ][ copy_count copy_bytes ]
 */
export class InterfaceQueue {
  readonly area: Mapping;
  readonly id: number;
  /** The kernel has the event descriptor (7.2), and so counts its copies. */
  readonly counts: boolean;
  readonly #uring: Uring;
  readonly #region: Mapping;
  readonly #words: Mapping;
  readonly #regionView: DataView;
  readonly #atoms: Int32Array;
  readonly #token: bigint;
  readonly #entries: number;
  readonly #head: number;
  readonly #tail: number;
  readonly #rqes: number;
  readonly #statsAt: number;
  #tailNow = 0;

  /**
   * @param patienceNs how long a queue may still be another instance's (-EEXIST).
   * @throws Unavailable where the kernel refuses, with its errno and what to do about it.
   */
  constructor(
    uring: Uring,
    link: ZeroCopyLink,
    areaBytes: number,
    bufferBytes: number,
    patienceNs = 0,
  ) {
    this.#uring = uring;
    this.area = bufferBytes > PAGE ? hugeArea(areaBytes) : new Mapping({ bytes: areaBytes });
    if (bufferBytes === PAGE) {
      libc().madvise(this.area.at(0, areaBytes), areaBytes, MADV_NOHUGEPAGE);
    }
    this.#entries = 2 ** Math.ceil(Math.log2(areaBytes / PAGE));
    const bytes = RQ_HEAD_BYTES + this.#entries * io.RQE_BYTES + PAGE;
    this.#region = new Mapping({ bytes });
    this.#statsAt = this.#region.size - STATS_BYTES;
    this.#words = new Mapping({ bytes: PAGE });
    const view = this.#words.view;
    this.#fill(view, link, bufferBytes);
    this.counts = this.#register(view, link, kernelNowNs() + patienceNs);
    const region = this.#region.bytes;
    this.#regionView = this.#region.view;
    this.#atoms = new Int32Array(region.buffer, region.byteOffset, region.byteLength >> 2);
    this.#head = view.getUint32(REG_AT + 32, true);
    this.#tail = view.getUint32(REG_AT + 36, true);
    this.#rqes = view.getUint32(REG_AT + 40, true);
    this.id = view.getUint32(REG_AT + 64, true);
    this.#token = view.getBigUint64(AREA_AT + 16, true);
  }

  /** Gives a piece of the area back: `offset` as its completion had it. */
  giveBack(offset: number, len: number): void {
    this.post(BigInt(offset) | this.#token, len, 0);
  }

  /** Writes a refill entry, whatever it says. */
  post(offset: bigint, len: number, pad: number): void {
    const at = this.#rqes + (this.#tailNow & (this.#entries - 1)) * io.RQE_BYTES;
    this.#regionView.setBigUint64(at, offset, true);
    this.#regionView.setUint32(at + 8, len, true);
    this.#regionView.setUint32(at + 12, pad, true);
    this.#tailNow = (this.#tailNow + 1) | 0;
    Atomics.store(this.#atoms, this.#tail >> 2, this.#tailNow);
    // Half full: in copy fallback nobody but a flush takes entries out.
    const used = (this.#tailNow - Atomics.load(this.#atoms, this.#head >> 2)) | 0;
    if (used > this.#entries >> 1) this.flush();
  }

  /** Refill entries that the kernel took so far. */
  get taken(): number {
    return Atomics.load(this.#atoms, this.#head >> 2);
  }

  /** ZCRX_CTRL_FLUSH_RQ: the kernel takes what was given back now. */
  flush(): void {
    const view = this.#words.view;
    this.#words.bytes.fill(0, CTRL_AT, CTRL_AT + 64);
    view.setUint32(CTRL_AT, this.id, true);
    view.setUint32(CTRL_AT + 4, io.ZCRX_CTRL_FLUSH_RQ, true);
    this.#uring.register(io.IORING_REGISTER_ZCRX_CTRL, this.#words.at(CTRL_AT, 64), 0);
  }

  /** The kernel's own account of what it copied. */
  get copied(): CopyStats {
    if (!this.counts) return { count: 0, bytes: 0 };
    const view = this.#regionView;
    return {
      count: Number(view.getBigUint64(this.#statsAt, true)),
      bytes: Number(view.getBigUint64(this.#statsAt + 8, true)),
    };
  }

  /** After the ring was closed. */
  release(): void {
    this.area.release();
    this.#region.release();
    this.#words.release();
  }

  #fill(view: DataView, link: ZeroCopyLink, bufferBytes: number): void {
    const { area } = this;
    const region = this.#region;
    // struct io_uring_region_desc
    view.setBigUint64(REGION_AT, BigInt(region.address), true);
    view.setBigUint64(REGION_AT + 8, BigInt(region.size), true);
    view.setUint32(REGION_AT + 16, io.IORING_MEM_REGION_TYPE_USER, true);
    // struct io_uring_zcrx_area_reg
    view.setBigUint64(AREA_AT, BigInt(area.address), true);
    view.setBigUint64(AREA_AT + 8, BigInt(area.size), true);
    // struct zcrx_event_desc: no events, the statistics alone
    view.setUint32(EVENT_AT + 12, io.ZCRX_EVENT_DESC_STATS, true);
    view.setBigUint64(EVENT_AT + 16, BigInt(this.#statsAt), true);
    // struct io_uring_zcrx_ifq_reg
    const at = REG_AT;
    view.setUint32(at, link.nodev ? 0 : interfaceIndex(link.interface), true);
    view.setUint32(at + 4, link.nodev ? 0 : link.queue, true);
    view.setUint32(at + 8, this.#entries, true);
    view.setUint32(at + 12, link.nodev ? io.ZCRX_REG_NODEV : 0, true);
    view.setBigUint64(at + 16, BigInt(this.#words.at(AREA_AT, 1)), true);
    view.setBigUint64(at + 24, BigInt(this.#words.at(REGION_AT, 1)), true);
    view.setUint32(at + 68, bufferBytes > PAGE ? bufferBytes : 0, true);
    view.setBigUint64(at + 72, BigInt(this.#words.at(EVENT_AT, 1)), true);
  }

  /** Registers with the count of copies, or without where the kernel does not know it yet. */
  #register(view: DataView, link: ZeroCopyLink, untilNs: number): boolean {
    const once = () =>
      this.#uring.register(io.IORING_REGISTER_ZCRX_IFQ, this.#words.at(REG_AT, 96), 1);
    const attempt = () => {
      let answer = once();
      for (; answer === -EEXIST && kernelNowNs() < untilNs; answer = once()) sleepNs(RETRY_NS);
      return answer;
    };
    let answer = attempt();
    if (answer === 0) return true;
    if (answer === -EINVAL) {
      view.setBigUint64(REG_AT + 72, 0n, true);
      answer = attempt();
    }
    if (answer === 0) return false;
    this.area.release();
    this.#region.release();
    this.#words.release();
    if (link.nodev && answer === -EINVAL) throw withoutNodev();
    const what = link.nodev ? "NODEV" : `${link.interface} queue ${link.queue}`;
    throw refusedProvider("kernel-zcrx", `IORING_REGISTER_ZCRX_IFQ on ${what}`, -answer);
  }
}

function withoutNodev(): Unavailable {
  const what = "this kernel's zcrx has no registration without a device (NODEV)";
  return new Unavailable("kernel-zcrx", what, "use Linux 7.2 or later, or netmem vm run --nodev");
}

/** Buffers of more than a page want memory that is contiguous for the device (-ERANGE else). */
function hugeArea(bytes: number): Mapping {
  try {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | MAP_POPULATE;
    return new Mapping({ bytes: Math.ceil(bytes / HUGE_PAGE) * HUGE_PAGE, flags });
  } catch {
    const pages = Math.ceil(bytes / HUGE_PAGE);
    throw new Unavailable(
      "huge-pages",
      `${pages} huge pages of 2 MiB are not free, which --buffer-size beyond 4KiB needs`,
      `echo ${pages} > /proc/sys/vm/nr_hugepages, or a smaller --area`,
    );
  }
}
