import type {
  CopyCounts,
  NativeOptions,
  NativePool,
  NativeReport,
  NativeTotals,
  StreamSink,
} from "../backend.js";
import { KernelTcp } from "../kernel-tcp/kernel-tcp.js";
import type { TcpPath } from "../kernel-tcp/path.js";
import type { OwningReceiver } from "./owning-receiver.js";
import type { Upsettable } from "./upsettable.js";
import type { Settled, WiredDevice } from "./wired-device.js";

/**
 * Linux TCP over a device queue with a real memory provider: the same replay as `kernel-tcp`, and
 * an account of netmems on top.
 *
 *      peer ~ wire ~> driver -> page pool <-> provider -> skb -> TCP -> RECV_ZC | recvmsg -> back
 */
export class ZeroCopyTcp extends KernelTcp {
  override readonly provider: string;
  readonly #device: WiredDevice | null;
  #settled: Settled = { inflight: 0, zombies: 0, detached: [] };
  #account = { hold: 0, release: 0 };
  #done = false;

  constructor(
    provider: string,
    path: TcpPath,
    device: WiredDevice | null,
    options: NativeOptions,
    sink: StreamSink | null,
  ) {
    super(path, options, sink);
    this.provider = provider;
    this.#device = device;
  }

  get upsettable(): Upsettable {
    const sockets = this.sockets!;
    const application = this.receiver as OwningReceiver;
    return {
      application,
      device: this.#device,
      closeSockets: (row) => {
        const open = sockets.states.filter(({ fd }, i) => fd >= 0 && (row < 0 || i === row));
        application.abandon(open.map(({ fd }) => fd));
        for (const state of open) sockets.closeLoudly(state);
      },
      crash: () => process.kill(process.pid, "SIGKILL"),
    };
  }

  override endPass(): void {
    super.endPass();
    this.#device?.look();
  }

  override totals(): NativeTotals {
    const totals = super.totals();
    this.#device?.look();
    const overruns = this.#device?.counted().no_buffer ?? 0;
    return { ...totals, drops: totals.drops + overruns };
  }

  override teardown(): void {
    super.teardown();
    if (this.#done) return;
    this.#done = true;
    try {
      if (this.receiver !== null) this.#settled = this.#device?.settle() ?? this.#settled;
      this.#account = this.#device?.account?.read() ?? this.#account;
    } finally {
      this.#device?.close();
    }
  }

  override report(): NativeReport {
    const base = super.report();
    const receiver = this.receiver as OwningReceiver | null;
    const driver = this.#device?.counted() ?? {};
    const placed = ["net_iov_bytes", "page_bytes"].reduce(
      (sum, name) => sum + (driver[name] ?? 0),
      0,
    );
    const linear = this.#linearBytes(base.copies, driver);
    const { receivedBytes, mappedBytes } = base.copies;
    return {
      ...base,
      copies: {
        ...base.copies,
        receivedBytes: receivedBytes + linear,
        mappedBytes: mappedBytes - linear,
      },
      driver: { ...base.driver, ...driver },
      dma: { bytes: placed, copies: driver.dma_copies ?? 0 },
      drops: { ...base.drops, ...dropsOf(driver) },
      pool: this.#pool(),
      altered: {
        ...base.altered,
        splitPackets: base.altered.splitPackets + (this.#device?.split ?? 0),
      },
      leaks: { app: this.#settled.inflight },
      recycle:
        receiver === null ? null : { handedOut: receiver.handedOut, givenBack: receiver.givenBack },
      notes: [...base.notes, ...NOTES[this.provider]!, ...this.#accountNote()],
    };
  }

  /**
   * Bytes that zcrx copied out of skb heads, where frames were left unsplit. The kernel's meter
   * counts copied frags alone (io_zcrx_copy_frag, not io_zcrx_recv_skb's own call of
   * io_zcrx_copy_chunk); but what no net_iov took cannot have been passed by reference.
   */
  #linearBytes({ mappedBytes }: CopyCounts, driver: Readonly<Record<string, number>>): number {
    if (this.provider !== "zcrx") return 0;
    // Without a device there is nothing but skbs of pages: every byte is copied.
    if (this.#device === null) return mappedBytes;
    if (driver.linear_bytes === undefined) return 0;
    return Math.max(0, mappedBytes - (driver.net_iov_bytes ?? 0));
  }

  #accountNote(): string[] {
    if (this.#device === null || this.#device.account !== null) return [];
    return ["page_pool: holds and releases are not counted; tracepoints need root of the machine"];
  }

  #pool(): NativePool | null {
    const pool = this.#device?.pool;
    if (pool === null || pool === undefined) return null;
    const { stats } = pool;
    const { inflight, detached } = this.#settled;
    return { ...this.#account, inflight, stats, releases: detached };
  }
}

/** The model's names of what a device drops. */
function dropsOf(driver: Readonly<Record<string, number>>): Record<string, number> {
  const overruns = driver.no_buffer ?? 0;
  return overruns === 0 ? {} : { RX_HW_DROP_OVERRUNS: overruns };
}

const NOTES: Readonly<Record<string, readonly string[]>> = {
  zcrx: [
    "provider: the kernel's io_uring zcrx; copy.bytes is its own count (copy_bytes), and with a " +
      "driver that counts them, bytes of skb heads, which the kernel copies and does not count",
  ],
  devmem: ["provider: the kernel's devmem TCP on a udmabuf; copy.bytes are SCM_DEVMEM_LINEAR"],
};
