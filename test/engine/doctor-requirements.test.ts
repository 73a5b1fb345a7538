import { describe, expect, it } from "vitest";
import { missingFor } from "../../src/engine/backend/doctor/requirements.js";

const row = (capability: string, available: boolean) => ({
  capability,
  available,
  detail: "",
  remedy: available ? null : "get it",
});

function missing(backend: string, ...rows: Array<ReturnType<typeof row>>): string[] {
  return missingFor(rows).find((found) => found.backend === backend)!.missing;
}

describe("what a backend lacks", () => {
  it("is what was tried and refused, not what could not be tried for want of it", () => {
    expect(missing("af-xdp", row("koffi", false))).toEqual(["koffi"]);
    expect(missing("kernel-tcp", row("koffi", true), row("netns", false))).toEqual(["netns"]);
  });

  it("is room for a UMEM of the default size too", () => {
    const rows = ["koffi", "netns", "tun", "bpf", "af-xdp-copy"].map((name) => row(name, true));
    expect(missing("af-xdp", ...rows, row("memlock", false))).toEqual(["memlock"]);
    expect(missing("af-xdp", ...rows, row("memlock", true))).toEqual([]);
  });

  it("is told of all rows, and of one interface at least", () => {
    const rows = [row("koffi", true), row("io-uring", true)];
    expect(missing("kernel-zcrx", ...rows)).toEqual(["zcrx"]);
    expect(missing("kernel-zcrx", ...rows, row("zcrx:a", false))).toEqual(["zcrx"]);
    expect(missing("kernel-zcrx", ...rows, row("zcrx:a", false), row("zcrx:b", true))).toEqual([]);
  });
});
