import { makeAfXdp } from "./af-xdp/af-xdp.js";
import type { MakeNative } from "./backend.js";
import { makeKernelPagePool } from "./kernel-page-pool/pooled.js";
import { makeKernelTcp } from "./kernel-tcp/copied.js";
import { makeKernelTcpMmap } from "./kernel-tcp/mapped.js";
import { makeKernelDevmem, makeKernelZcrx } from "./zero-copy/paths.js";

/** Every native backend by its name. */
const NATIVES: Readonly<Record<string, MakeNative>> = {
  "af-xdp": makeAfXdp,
  "kernel-page-pool": makeKernelPagePool,
  "kernel-tcp": makeKernelTcp,
  "kernel-zcrx": makeKernelZcrx,
  "kernel-devmem": makeKernelDevmem,
  "kernel-tcp-mmap": makeKernelTcpMmap,
};

/** How the backend of this name is made; undefined where there is none. */
export function nativeBackend(name: string): MakeNative | undefined {
  return NATIVES[name];
}
