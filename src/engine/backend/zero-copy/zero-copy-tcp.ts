import type { NativeOptions, NativePool, NativeReport, StreamSink } from "../backend.js";
import { KernelTcp } from "../kernel-tcp/kernel-tcp.js";
import type { TcpPath } from "../kernel-tcp/path.js";
import type { Receiver } from "../receive/receiver.js";
import type { Settled, WiredDevice } from "./wired-device.js";

/** An application that owns netmems between reading and giving back. */
export interface OwningReceiver extends Receiver {
  readonly handedOut: number;
  readonly givenBack: number;
}

/**
 * Linux TCP over a device queue with a real memory provider: the same replay as `kernel-tcp`, and
 * an account of netmems on top.
 *
 *      peer ~ wire ~> driver -> page pool <-> provider -> skb -> TCP -> RECV_ZC | recvmsg -> back
 */
export class ZeroCopyTcp extends KernelTcp {
  override readonly provider: string;
  readonly #device: WiredDevice | null;
  #settled: Settled = { inflight: 0, zombies: 0 };
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

  override endPass(): void {
    super.endPass();
    this.#device?.look();
  }

  override teardown(): void {
    super.teardown();
    if (this.#done) return;
    this.#done = true;
    try {
      if (this.receiver !== null) this.#settled = this.#device?.settle() ?? this.#settled;
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
    return {
      ...base,
      driver: { ...base.driver, ...driver },
      dma: { bytes: placed, copies: driver.dma_copies ?? 0 },
      drops: { ...base.drops, ...dropsOf(driver) },
      pool: this.#pool(),
      leaks: { app: this.#settled.inflight },
      recycle:
        receiver === null ? null : { handedOut: receiver.handedOut, givenBack: receiver.givenBack },
      notes: [...base.notes, ...NOTES[this.provider]!],
    };
  }

  #pool(): NativePool | null {
    const pool = this.#device?.pool;
    if (pool === null || pool === undefined) return null;
    const { stats } = pool;
    return { hold: 0, release: 0, inflight: this.#settled.inflight, stats, releases: [] };
  }
}

/** The model's names of what a device drops. */
function dropsOf(driver: Readonly<Record<string, number>>): Record<string, number> {
  const overruns = driver.no_buffer ?? 0;
  return overruns === 0 ? {} : { RX_HW_DROP_OVERRUNS: overruns };
}

const NOTES: Readonly<Record<string, readonly string[]>> = {
  zcrx: ["provider: the kernel's io_uring zcrx; copy.bytes is its own count (copy_bytes)"],
  devmem: ["provider: the kernel's devmem TCP on a udmabuf; copy.bytes are SCM_DEVMEM_LINEAR"],
};
