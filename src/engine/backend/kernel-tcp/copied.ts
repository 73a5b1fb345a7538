import type { MakeNative } from "../backend.js";
import { TunInjector } from "../inject/tun.js";
import { CopyReceiver } from "../receive/copy.js";
import { KernelTcp } from "./kernel-tcp.js";

/** `kernel-tcp`: packets through TUN, bytes through recv. */
export const makeKernelTcp: MakeNative = (options, sink) =>
  new KernelTcp(
    {
      backend: "kernel-tcp",
      makeInjector: () => new TunInjector(),
      makeReceiver: ({ readSizeBytes }) => new CopyReceiver(readSizeBytes),
      notes: [
        "injection: write() to TUN copies each packet into an skb (what a NIC's DMA would do)",
        "receive: recv() copies each byte to the application",
      ],
      holdNote: "--hold has no effect: recv() copies, and a copy holds nothing back",
    },
    options,
    sink,
  );
