import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import { uselessFlags } from "../../../src/replay/run/useless-flags.js";

async function told(backends: string, flags: Record<string, string>): Promise<string[]> {
  const sources = { flags: { backend: [backends], ...flags }, environment: {}, cwd: "/" };
  const config = await resolveConfig(sources);
  return uselessFlags(backends.split(","), config).map(({ message }) => message);
}

describe("flags that a backend passes over", () => {
  it("are named, backend by backend", async () => {
    const flags = { ring: "64", queues: "2", hold: "1ms" };
    expect(await told("memory,af-xdp,kernel-tcp", flags)).toEqual([
      "af-xdp: --queues has no effect",
      "kernel-tcp: --queues, --ring have no effect",
    ]);
    expect(await told("memory,kernel-tcp", { coalesce: "8KiB" })).toEqual([
      "memory: --coalesce has no effect",
    ]);
    expect(await told("memory", { interface: "eth0" })).toEqual([
      "memory: --interface has no effect",
    ]);
  });

  it("are none where they say what holds anyway, or where all have one", async () => {
    expect(await told("kernel-tcp", { queues: "4" })).toEqual([]);
    expect(await told("kernel-tcp", { pps: "10", loop: "2", rcvbuf: "1MiB" })).toEqual([]);
    expect(await told("af-xdp", { area: "1MiB", ring: "64", kernel: "6.12" })).toEqual([]);
  });
});
