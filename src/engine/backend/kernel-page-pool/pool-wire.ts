import { attachXdp, loadXdp, passProgram } from "../bpf/program.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { INJECT_HEADROOM, type Injector, type WirePacket } from "../inject/injector.js";
import { VethInjector } from "../inject/veth.js";
import { interfaceIndex } from "../net/device.js";
import { XDP_FLAGS_DRV_MODE } from "../sys/bpf.js";
import { MAX_MTU } from "../sys/device.js";
import { flushDeferred } from "./deferred.js";
import { PoolWatch } from "./pool-watch.js";

/** An IP header that says nothing: version 0, which the stack drops. */
const NOTHING_BYTES = 46;

/**
 * A veth pair with an XDP program at the far end, which makes its NAPI a driver's: it takes the
 * packet's memory from a page_pool of its own.
 *
 *      ring slot -> skb -> far end's NAPI: skb_pp_cow_data, into pages of the page_pool
 *                -> XDP_PASS -> ip_rcv -> tcp_v4_rcv -> socket -> page_pool_put
 */
export class PoolWire implements Injector {
  readonly copies = 2;
  readonly asynchronous = true;
  readonly watch: PoolWatch;
  readonly #veth: VethInjector;
  #link = -1;

  /** @throws Unavailable where programs cannot be loaded or events counted. */
  constructor() {
    this.watch = new PoolWatch();
    this.#veth = new VethInjector(MAX_MTU, (device) => this.#attach(device));
    this.watch.learn(() => this.#sendNothing());
  }

  get device(): string {
    return this.#veth.device;
  }

  get refused(): number {
    return this.#veth.refused;
  }

  inject(packet: WirePacket): void {
    this.#veth.inject(packet);
  }

  flush(): void {
    this.#veth.flush();
  }

  /** The device goes, and its page_pool with it, unless some of its pages are still out. */
  close(): void {
    flushDeferred();
    this.#veth.close();
    if (this.#link >= 0) libc().close(this.#link);
    this.#link = -1;
  }

  #attach(device: string): void {
    const program = loadXdp(passProgram(), true);
    try {
      this.#link = attachXdp(program, interfaceIndex(device), XDP_FLAGS_DRV_MODE);
    } finally {
      libc().close(program);
    }
  }

  #sendNothing(): void {
    const memory = new Mapping({ bytes: INJECT_HEADROOM + NOTHING_BYTES });
    this.#veth.inject({
      memory,
      at: INJECT_HEADROOM,
      bytes: NOTHING_BYTES,
      ipBytes: 20,
      headerBytes: 40,
      v6: false,
      trusted: false,
    });
    this.#veth.flush();
    memory.release();
  }
}
