import type { MakeNative } from "../backend.js";
import { KernelTcp } from "../kernel-tcp/kernel-tcp.js";
import { MAPPED_HOLD_NOTE } from "../kernel-tcp/path.js";
import { MappedReceiver } from "../receive/mapped.js";
import { PoolWire } from "./pool-wire.js";

/**
 * Bytes of a frame that lie in its skb's head: a page without XDP_PACKET_HEADROOM and struct
 * skb_shared_info (net/core/skbuff.c: skb_pp_cow_data).
 */
const HEAD_BYTES = 4096 - 256 - 320;

const NOTES = [
  "injection: each packet is copied into a slot of a TX ring, and by veth's NAPI into " +
    "pages of its page_pool (skb_pp_cow_data; what a NIC's DMA would do)",
  `receive: the first ${HEAD_BYTES} bytes of a frame lie in the skb's head and are copied; ` +
    "whole pages behind them are mapped (TCP_ZEROCOPY_RECEIVE), the rest is copied by recv()",
  "page_pool: a page that is mapped when its skb is freed leaves the pool (release)",
];
const UNKNOWN_POOL =
  "page_pool: not told, since others were made at the same time and this run's is unknown";

/** `kernel-page-pool`: packets through veth's page_pool, pages through TCP_ZEROCOPY_RECEIVE. */
export const makeKernelPagePool: MakeNative = (options, sink) => {
  let wire: PoolWire | null = null;
  return new KernelTcp(
    {
      backend: "kernel-page-pool",
      frameHeadBytes: HEAD_BYTES,
      makeInjector() {
        wire = new PoolWire();
        return wire;
      },
      makeReceiver: ({ readSizeBytes, holdNs }) =>
        new MappedReceiver(readSizeBytes, HEAD_BYTES, holdNs),
      settle: () => wire?.watch.settle() ?? null,
      get notes() {
        return wire?.watch.exact === false ? [...NOTES, UNKNOWN_POOL] : NOTES;
      },
      holdNote: MAPPED_HOLD_NOTE,
    },
    options,
    sink,
  );
};
