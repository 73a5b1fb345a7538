import type { DoctorRow } from "./row.js";

/** What each native backend needs, by doctor's rows; `zcrx:` means one such interface. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  "af-xdp": ["koffi", "netns", "tun", "bpf", "af-xdp-copy", "memlock"],
  "kernel-tcp": ["koffi", "netns", "tun", "tcp-repair"],
  "kernel-tcp-mmap": [
    "koffi",
    "netns",
    "veth",
    "packet-ring",
    "tcp-repair",
    "tcp-zerocopy-receive",
  ],
  "kernel-page-pool": [
    "koffi",
    "netns",
    "veth",
    "packet-ring",
    "tcp-repair",
    "tcp-zerocopy-receive",
    "bpf",
    "page-pool-tracepoints",
  ],
  "kernel-zcrx": ["koffi", "io-uring", "zcrx:"],
  "kernel-devmem": ["koffi", "dma-buf", "devmem:"],
};

/**
 * Which rows stand between a backend and this machine, backend by backend. Without the first of
 * them others are not even tried: nobody knows of those that they are missing.
 */
export function missingFor(rows: readonly DoctorRow[]): Array<{
  backend: string;
  available: boolean;
  missing: string[];
}> {
  return Object.entries(NEEDS).map(([backend, needs]) => {
    const found = needs.map((need) => ({ need, tried: rowsOf(need, rows) }));
    const untried = found.filter(({ tried }) => tried.length === 0);
    const refused = found.filter(
      ({ tried }) => tried.length > 0 && !tried.some(({ available }) => available),
    );
    const missing = refused.length > 0 ? refused : untried;
    return {
      backend,
      available: missing.length === 0,
      missing: missing.map(({ need }) => need.replace(":", "")),
    };
  });
}

function rowsOf(need: string, rows: readonly DoctorRow[]): DoctorRow[] {
  return rows.filter(({ capability }) =>
    need.endsWith(":") ? capability.startsWith(need) : capability === need,
  );
}
