import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SkbSlab } from "../../../src/engine/skb/skb-slab.js";
import { EXIT } from "../../../src/replay/error.js";
import { withOneProvider } from "../../../src/replay/plan/one-provider.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import type { NetmemLife, TraceDocument } from "../../../src/replay/record/trace.js";
import type { ReplayHooks } from "../../../src/replay/run/contract.js";
import { runTrace } from "../../../src/replay/trace/run-trace.js";
import type { Subject } from "../../../src/replay/trace/subject.js";

const CAPTURE = fileURLToPath(new URL("../../../fixtures/kernel/http4.pcap", import.meta.url));
const SMALL = { area: "1MiB", ring: "16", queues: "1" };
const HOME = ["PROV_FREE", "POOL_CACHE", "POOL_RING"];

async function trace(
  subject: Subject,
  flags: Record<string, string> = {},
  { last = 1000, onLanes }: { last?: number; onLanes?: ReplayHooks["onLanes"] } = {},
): Promise<{ document: TraceDocument; exitCode: number }> {
  const given = { ...SMALL, provider: "zcrx", ...flags };
  const config = await resolveConfig({ flags: given, environment: {}, cwd: "/" });
  const plan = { ...withOneProvider(config, true, "trace"), leaks: "trace" as const };
  const hooks = { signal: new AbortController().signal, warn: () => {} };
  const all = onLanes === undefined ? hooks : { ...hooks, onLanes };
  return await runTrace({ config: plan, capture: CAPTURE, subject, last }, all);
}

/** Each transition begins where the one before it ended, and references add up. */
function expectChain({ transitions }: NetmemLife): void {
  transitions.forEach((each, i) => {
    const { ppRefCount, driver, skb, user } = each.after;
    const sum = driver + skb + user;
    expect(ppRefCount, `${each.transition} of #${i}`).toBe(HOME.includes(each.to) ? 1 : sum);
    if (i === 0) return;
    const { to, after, timeNs } = transitions[i - 1]!;
    expect({ from: each.from, before: each.before }).toEqual({ from: to, before: after });
    expect(Number(each.timeNs)).toBeGreaterThanOrEqual(Number(timeNs));
  });
}

/** The first packet whose payload an application read from netmems of the area. */
async function payloadPacket(flags: Record<string, string>): Promise<TraceDocument> {
  for (let number = 1; number < 27; number++) {
    const { document } = await trace({ kind: "packet", number }, flags);
    const areas = document.lives.filter(({ memory }) => memory === "area");
    if (areas.some(({ transitions }) => who(transitions).includes("thread"))) return document;
  }
  return expect.unreachable("no packet has payload");
}

/** Kinds of actors, in order. */
function who(transitions: NetmemLife["transitions"]): string[] {
  return transitions.map(({ actor }) => actor.kind);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the trace of a packet", () => {
  test.each([
    ["page", "fbnic"],
    ["devmem", "fbnic"],
    ["zcrx", "fbnic"],
    ["zcrx", "bnxt"],
    ["devmem", "gve"],
  ])("is its netmems' life from their pool and back: %s on %s", async (provider, driver) => {
    const document = await payloadPacket({ provider, driver, hold: "1ms" });
    const packet = document.packet!;
    const placed = packet.placed.reduce((sum, p) => sum + p.headBytes + p.payloadBytes, 0);
    expect(placed + packet.ownHeadBytes).toBe(packet.capturedBytes);
    expect(document.lives.map(({ netmem }) => netmem)).toEqual(
      packet.placed.map(({ netmem }) => netmem),
    );
    for (const life of document.lives) {
      expectChain(life);
      expect(HOME).toContain(life.transitions[0]!.from);
      expect(HOME).toContain(life.state);
      const times = life.transitions.map(({ timeNs }) => Number(timeNs));
      expect(times[0]).toBeLessThanOrEqual(Number(packet.arrivalNs));
      expect(times.at(-1)).toBeGreaterThan(Number(packet.arrivalNs));
    }
    const payload = document.lives.at(-1)!.transitions;
    const did = payload.map(({ actor, transition }) => `${actor.kind} ${transition.split(" ")[0]}`);
    expect(did).toContain("napi T4");
    if (provider === "devmem") expect(did).toContain("thread D2");
    if (provider === "zcrx") expect(did).toContain("thread Z2");
  });

  test("that the NIC dropped says so", async () => {
    const tight = { area: "4KiB", ring: "8", hold: "10s" };
    const numbers = Array.from({ length: 27 }, (_, i) => i + 1);
    const found: string[] = [];
    for (const number of numbers.slice(5, 15)) {
      const { document } = await trace({ kind: "packet", number }, tight);
      const { dropped, placed } = document.packet!;
      if (dropped === null) continue;
      found.push(dropped);
      expect(placed).toEqual([]);
      expect(document.lives).toEqual([]);
    }
    expect(found).toContain("RX_HW_DROP_OVERRUNS");
  });

  test("of the second pass is counted on", async () => {
    const one = await trace({ kind: "packet", number: 5 }, { loop: "2" });
    const two = await trace({ kind: "packet", number: 32 }, { loop: "2" });
    expect(two.document.packet!.capturedBytes).toBe(one.document.packet!.capturedBytes);
    expect(Number(two.document.packet!.arrivalNs)).toBeGreaterThan(
      Number(one.document.packet!.arrivalNs),
    );
  });
});

describe("the trace of a netmem", () => {
  test("keeps the latest transitions and counts the others", async () => {
    const number = (await payloadPacket({})).lives.at(-1)!.netmem;
    const whole = (await trace({ kind: "netmem", number })).document.lives[0]!;
    const part = (await trace({ kind: "netmem", number }, {}, { last: 2 })).document.lives[0]!;
    expect(whole.earlier).toBe(0);
    expectChain(whole);
    expect(whole.transitions[0]).toMatchObject({
      timeNs: 0,
      transition: "Z1 freelist to pool",
      actor: { kind: "device" },
      before: { ppRefCount: 0 },
    });
    expect(part.transitions).toEqual(whole.transitions.slice(-2));
    expect(part.earlier).toBe(whole.transitions.length - 2);
  });

  test("names the event of the lifecycle that moved it", async () => {
    const actorsOf = async (provider: string) => {
      const { document } = await payloadTrace(provider);
      return document.lives.flatMap(({ transitions }) => transitions.map(({ actor }) => actor));
    };
    const zcrx = await actorsOf("zcrx");
    expect(zcrx).toContainEqual({ kind: "io_uring", index: null, call: "io_terminate_zcrx" });
    const devmem = await actorsOf("devmem");
    expect(devmem).toContainEqual({ kind: "socket", index: null, call: "tcp_v4_destroy_sock" });
  });

  /** A netmem that the application holds when it dies, right behind the last packet. */
  async function payloadTrace(provider: string) {
    const packet = (await payloadPacket({ provider, hold: "10s" })).packet!;
    const { netmem } = packet.placed.at(-1)!;
    const onLanes: ReplayHooks["onLanes"] = ({ lanes }) => {
      lanes[0]!.path.lifecycle.at(Number(packet.arrivalNs) + 5e6, (l) => l.exitApplication());
    };
    const flags = { provider, hold: "10s" };
    return await trace({ kind: "netmem", number: netmem }, flags, { onLanes });
  }
});

describe("the trace of what leaked", () => {
  test("is empty where nothing did", async () => {
    const { document, exitCode } = await trace({ kind: "leaked" });
    expect(document).toMatchObject({ leaked: 0, lives: [] });
    expect(exitCode).toBe(EXIT.done);
  });

  test("tells who holds each netmem, and how it came to that", async () => {
    const freed = new WeakMap<SkbSlab, number>();
    const free = SkbSlab.prototype.free;
    vi.spyOn(SkbSlab.prototype, "free").mockImplementation(function (this: SkbSlab, skb: number) {
      freed.set(this, (freed.get(this) ?? 0) + 1);
      if (freed.get(this) !== 10) free.call(this, skb);
    });
    const { document, exitCode } = await trace({ kind: "leaked" }, { provider: "devmem" });
    expect(exitCode).toBe(EXIT.violated);
    expect(Number(document.leaked)).toBeGreaterThan(0);
    expect(document.lives).toHaveLength(Number(document.leaked));
    for (const life of document.lives) {
      expectChain(life);
      expect(life).toMatchObject({ owner: "stack", state: "SKB" });
      expect(life.transitions.at(-1)!.after.skb).toBeGreaterThan(0);
    }
  });
});

describe("the trace of a broken invariant", () => {
  test("is that of the netmem that it is about, not of all that was on its way", async () => {
    const onLanes: ReplayHooks["onLanes"] = ({ lanes }) => {
      const { lifecycle, ledger } = lanes[0]!.path;
      lifecycle.at(2e6, () => ledger.fail(200, 8, "a rule is broken"));
    };
    const { document, exitCode } = await trace({ kind: "leaked" }, {}, { onLanes });
    expect(exitCode).toBe(EXIT.violated);
    expect(document.violation).toContain("invariant 8: a rule is broken; netmem 200 ");
    expect(document.lives.map(({ netmem }) => netmem)).toEqual([200]);
  });
});

describe("what does not exist", () => {
  const refused = (subject: Subject) =>
    trace(subject).then(
      () => expect.unreachable("there is no such thing"),
      ({ code, message, suggestion }) => ({ code, message, suggestion }),
    );

  test("is refused with what there is", async () => {
    const netmem = await refused({ kind: "netmem", number: 1_000_000 });
    expect(netmem).toMatchObject({ code: "NETMEM_USAGE" });
    expect(netmem.message).toMatch(/0 to 255 are zcrx's area, 256 to \d+ system pages/);
    const packet = await refused({ kind: "packet", number: 28 });
    expect(packet).toEqual({
      code: "NETMEM_USAGE",
      message: "there is no packet 28: 27 arrived",
      suggestion: "Use --packet from 1 to 27.",
    });
  });
});
