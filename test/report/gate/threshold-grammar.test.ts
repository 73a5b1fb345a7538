import { describe, expect, it } from "vitest";
import { COUNTED_NAMES } from "../../../src/replay/plan/counted-names.js";
import { STAGES } from "../../../src/replay/record/names.js";
import { parseThreshold, thresholdText } from "../../../src/report/gate/threshold-grammar.js";
import fc from "../../support/property.js";
import { refusalOf } from "./gate-rig.js";

const parse = (expression: string) =>
  parseThreshold({ expression, origin: "--threshold", abort: false, graceMs: 0 }, COUNTED_NAMES);

describe("a threshold", () => {
  it.each([
    ["leak.netmems == 0", "leak.netmems", "count", "==", 0],
    ["pool.recycling_pct{provider=devmem} >= 99", "pool.recycling_pct", "value", ">=", 99],
    ["pool.recycling_pct >= 99.5%", "pool.recycling_pct", "value", ">=", 99.5],
    ["latency.deliver{provider=zcrx}: p(99.9) < 40us", "latency.deliver", "p", "<", 40_000],
    ["latency.deliver:p(99)<1.5ms", "latency.deliver", "p", "<", 1_500_000],
    ["copy.bytes{provider=devmem} <= 64KiB", "copy.bytes", "count", "<=", 65_536],
    ["drop.total: rate < 0.1%", "drop.total", "rate", "<", 0.001],
    ["drop.rx_alloc_fail == 0", "drop.RX_ALLOC_FAIL", "count", "==", 0],
    ["tcp.TCPRcvCoalesce > 0", "tcp.TCPRcvCoalesce", "count", ">", 0],
    ["host.packets_per_second >= 1.5Mpps", "host.packets_per_second", "med", ">=", 1_500_000],
    ["host.ns_per_packet < 200ns", "host.ns_per_packet", "med", "<", 200],
    ["host.ns_per_packet < 200", "host.ns_per_packet", "med", "<", 200],
    ["pool.alloc_slow != 3", "pool.alloc_slow", "count", "!=", 3],
  ])("%s is understood", (expression, metric, agg, operator, value) => {
    const threshold = parse(expression);
    expect(threshold.metric.name).toBe(metric);
    expect(threshold.aggregation.name).toBe(agg);
    expect(threshold.operator).toBe(operator);
    expect(threshold.bound).toEqual({ kind: "value", value });
  });

  it("may lean on a baseline", () => {
    expect(parse("copy.bytes <= baseline").bound).toEqual({
      kind: "baseline",
      factor: 1,
      offset: 0,
    });
    expect(parse("latency.deliver: p(99) <= baseline*1.05").bound).toMatchObject({ factor: 1.05 });
    expect(parse("latency.app: max <= baseline + 200ns").bound).toMatchObject({ offset: 200 });
    expect(parse("pool.recycling_pct >= baseline-0.5%").bound).toMatchObject({ offset: -0.5 });
  });

  it("has tags", () => {
    const { tags } = parse("leak.netmems{provider=zcrx, owner=app, capture=a b.pcap} == 0");
    expect(tags).toEqual({ provider: "zcrx", owner: "app", capture: "a b.pcap" });
  });

  it.each([
    ["leak.netmem == 0", "NETMEM_METRIC_UNKNOWN", "Did you mean leak.netmems?"],
    ["drop.RX_ALLOC_FIAL == 0", "NETMEM_METRIC_UNKNOWN", "Did you mean drop.RX_ALLOC_FAIL?"],
    ["http_req_duration < 3", "NETMEM_METRIC_UNKNOWN", "Known are: leak.netmems"],
    ["latency.deliver: p(99) < 40", "NETMEM_USAGE", "Write 40us."],
    ["latency.deliver: p(99) < 40KiB", "NETMEM_USAGE", "units: ns, us, ms, s"],
    ["latency.deliver < 40us", "NETMEM_USAGE", "say which figure"],
    ["latency.deliver: p(101) < 40us", "NETMEM_USAGE", "beyond p(100)"],
    ["latency.deliver: p99 < 40us", "NETMEM_USAGE", "not a threshold"],
    ["latency.deliver: mean < 40us", "NETMEM_USAGE", "unknown aggregation mean"],
    ["copy.bytes: p(99) < 4", "NETMEM_USAGE", "copy.bytes takes no p(99)"],
    ["host.ns_per_packet: max < 4", "NETMEM_USAGE", "over the repetitions"],
    ["host.ns_per_packet == 4", "NETMEM_USAGE", "never the same twice"],
    ["copy.bytes{provder=zcrx} == 0", "NETMEM_USAGE", "Did you mean provider?"],
    ["copy.bytes{owner=app} == 0", "NETMEM_USAGE", "only leak.netmems has owners"],
    ["copy.bytes = 0", "NETMEM_USAGE", "not a threshold"],
    ["copy.bytes <= baseline*x", "NETMEM_USAGE", "needs a number above 0"],
    ["copy.bytes <= baseline+5%", "NETMEM_USAGE", "Write baseline*1.05"],
    ["copy.bytes <= basline", "NETMEM_USAGE", "basline is no number"],
    ["", "NETMEM_USAGE", "not a threshold"],
  ])("%s is refused with what is right", (expression, code, text) => {
    const refusal = refusalOf(() => parse(expression));
    expect(refusal).toContain(code);
    expect(refusal).toContain(text);
    expect(refusal).toContain("--threshold");
  });

  it("is the same after it was written down and read again", () => {
    const metric = fc.constantFrom(
      ...STAGES.map((stage) => `latency.${stage}: p(99.5)`),
      "latency.app: avg",
      "copy.bytes",
      "pool.recycling_pct",
      "pool.alloc_slow_high_order",
      "drop.total: rate",
    );
    const tags = fc.constantFrom("", "{provider=zcrx}", "{provider=page,capture=a.pcap}");
    const operator = fc.constantFrom("<", "<=", ">", ">=", "==", "!=");
    const bound = fc.oneof(
      fc.constant("0"),
      fc.constant("baseline"),
      fc.integer({ min: 1, max: 400 }).map((n) => `baseline*${n / 100}`),
    );
    fc.assert(
      fc.property(metric, tags, operator, bound, (name, braces, op, right) => {
        const [plain, agg] = name.split(": ");
        const once = parse(
          `${plain}${braces}${agg === undefined ? "" : `: ${agg}`} ${op} ${right}`,
        );
        const twice = parse(thresholdText(once));
        const plainOf = ({ metric: spec, expression: _, ...rest }: typeof once) => ({
          ...rest,
          metric: spec.name,
        });
        expect(plainOf(twice)).toEqual(plainOf(once));
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("never crashes on nonsense", () => {
    const word = fc.constantFrom(
      ..."latency.deliver copy.bytes { } : = == <= < p(99) 40us baseline * + 1.05 % , zcrx".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const refusal = refusalOf(() => parse(words.join(" ")));
        expect(refusal).toMatch(/^(NETMEM_|nothing)/);
      }),
      { seed: 8, numRuns: 500 },
    );
  });
});
