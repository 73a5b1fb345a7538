import { describe, expect, it } from "vitest";
import { latencyOf, recordOf, runOf } from "../sample-record.js";
import { gate, MACHINE, OTHER_CAPTURE, refusalOf, spread, timedRecords } from "./gate-rig.js";

describe("a gate fails closed", () => {
  it("on tags that no run has, and says which there are", () => {
    const refusal = refusalOf(() => gate(["copy.bytes{provider=umem} == 0"], [recordOf()]));
    expect(refusal).toContain("NETMEM_NO_SAMPLES");
    expect(refusal).toContain("page, devmem, zcrx");
  });

  it("on an owner that does not exist", () => {
    const refusal = refusalOf(() => gate(["leak.netmems{owner=apps} == 0"], [recordOf()]));
    expect(refusal).toContain("Did you mean owner=app?");
  });

  it("on a latency that nothing was counted in, even if others pass", () => {
    const runs = [runOf("page"), runOf("zcrx")];
    runs[1] = { ...runs[1]!, latency: { ...runs[1]!.latency, hold: latencyOf() } };
    const refusal = refusalOf(() => gate(["latency.hold: max < 1s"], [recordOf({ runs })]));
    expect(refusal).toContain("NETMEM_NO_SAMPLES");
    expect(refusal).toContain("zcrx has no samples of latency.hold");
  });

  it("on a rate that no allocation gave", () => {
    const runs = [runOf("page", { recycle: { recyclingPct: null, endToEndPct: 100 } })];
    expect(refusalOf(() => gate(["pool.recycling_pct >= 0"], [recordOf({ runs })]))).toContain(
      "NETMEM_NO_SAMPLES",
    );
  });

  it("on no records at all", () => {
    expect(refusalOf(() => gate(["leak.netmems == 0"], []))).toContain("NETMEM_NO_SAMPLES");
  });

  it("on a baseline that is not there, lacks the capture, or is of other settings", () => {
    const expression = ["copy.bytes <= baseline"];
    expect(refusalOf(() => gate(expression, [recordOf()]))).toContain("there is no baseline");
    const other = recordOf({ capture: OTHER_CAPTURE });
    expect(refusalOf(() => gate(expression, [recordOf()], [other]))).toContain("has no capture");
    const changed = recordOf();
    changed.config.ring = 64;
    const refusal = refusalOf(() => gate(expression, [recordOf()], [changed]));
    expect(refusal).toContain("NETMEM_BASELINE");
    expect(refusal).toContain("ring 1024, was 64");
    const fewer = recordOf({ runs: [runOf("page")] });
    expect(refusalOf(() => gate(expression, [recordOf()], [fewer]))).toContain(
      "no run of devmem on memory",
    );
  });

  it("on host times of an unlike machine, and of one that nobody named", () => {
    const there = timedRecords(spread(100, 0.01, 9), { ...MACHINE, cpu: "Other 2 GHz" });
    const here = timedRecords(spread(100, 0.01, 9));
    const refusal = refusalOf(() => gate(["host.ns_per_packet <= baseline*2"], here, there));
    expect(refusal).toContain("NETMEM_UNLIKE");
    expect(refusal).toContain("cpu Example 1 GHz, was Other 2 GHz");
    const unnamed = [recordOf({ runs: [runOf("zcrx")] })];
    expect(refusalOf(() => gate(["host.ns_per_packet <= baseline*2"], here, unnamed))).toContain(
      "NETMEM_UNLIKE",
    );
  });

  it("on a damaged capture", () => {
    const record = recordOf();
    record.capture.damage = [{ offset: 4242, reason: "cut-record" }];
    expect(refusalOf(() => gate(["leak.netmems == 0"], [record]))).toContain("NETMEM_RECORD_CUT");
  });

  it("on model figures that differ between repetitions", () => {
    const again = recordOf({ runs: [runOf("page", { deliveredBytes: 7 })] });
    const records = [recordOf({ runs: [runOf("page")] }), again];
    expect(refusalOf(() => gate(["delivered.bytes > 0"], records))).toContain("NETMEM_INVARIANT");
  });
});
