import type { MakeNative } from "./backend.js";
import { makeKernelTcp } from "./kernel-tcp/copied.js";

/** Every native backend by its name. */
const NATIVES: Readonly<Record<string, MakeNative>> = {
  "kernel-tcp": makeKernelTcp,
};

/** How the backend of this name is made; undefined where there is none. */
export function nativeBackend(name: string): MakeNative | undefined {
  return NATIVES[name];
}
