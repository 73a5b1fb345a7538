import type { MakeNative } from "../backend.js";
import { VethInjector } from "../inject/veth.js";
import { MappedReceiver } from "../receive/mapped.js";
import { KernelTcp } from "./kernel-tcp.js";
import { MAPPED_HOLD_NOTE } from "./path.js";

/** `kernel-tcp-mmap`: packets through a TX ring and veth, pages through TCP_ZEROCOPY_RECEIVE. */
export const makeKernelTcpMmap: MakeNative = (options, sink) =>
  new KernelTcp(
    {
      backend: "kernel-tcp-mmap",
      makeInjector: () => new VethInjector(),
      makeReceiver: ({ readSizeBytes, holdNs }) => new MappedReceiver(readSizeBytes, 0, holdNs),
      notes: [
        "injection: each packet is copied into a slot of a TX ring, and by veth into pages of " +
          "its own (skb_copy_ubufs; what a NIC's DMA would do)",
        "receive: whole pages are mapped (TCP_ZEROCOPY_RECEIVE), the rest is copied by recv()",
      ],
      holdNote: MAPPED_HOLD_NOTE,
    },
    options,
    sink,
  );
