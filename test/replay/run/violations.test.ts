import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { RecvmsgDevmem } from "../../../src/engine/app/recvmsg-devmem.js";
import { ZcrxConsumer } from "../../../src/engine/app/zcrx-consumer.js";
import { Ledger } from "../../../src/engine/ledger/ledger.js";
import { D6 } from "../../../src/engine/netmem/state.js";
import { DevmemBinding } from "../../../src/engine/provider/devmem.js";
import { Genpool } from "../../../src/engine/provider/genpool.js";
import { ZcrxIfq } from "../../../src/engine/provider/zcrx.js";
import { ZcrxArea } from "../../../src/engine/provider/zcrx-area.js";
import { SK_HEAD, SK_WORDS, SkbSlab } from "../../../src/engine/skb/skb-slab.js";
import { EXIT } from "../../../src/replay/error.js";
import { replay } from "../../support/replay.js";

const CAPTURE = fileURLToPath(
  new URL("../../../fixtures/kernel/loss_reorder.pcap", import.meta.url),
);
const FLAGS = { area: "1MiB", ring: "16", queues: "1", leaks: "trace" };

const run = (provider: string, flags: Record<string, string> = {}) =>
  replay(CAPTURE, { ...FLAGS, provider, ...flags });

/** What a run that breaks a rule says. */
async function violation(provider: string, flags: Record<string, string> = {}): Promise<string> {
  const ended = await run(provider, flags).catch(
    (error: unknown) => error as { code: string; exitCode: number; message: string },
  );
  expect(ended.exitCode).toBe(EXIT.violated);
  if ("record" in ended) {
    const { violation: broken } = ended.record.runs[0]!;
    if (broken === undefined) expect.unreachable("the run went through");
    return broken.message;
  }
  // Before the first packet there is nothing to put into a record.
  expect(ended.code).toBe("NETMEM_INVARIANT");
  expect(ended.message).toContain(CAPTURE);
  expect(ended.message).toContain("packets replayed: none");
  return ended.message;
}

/** Puts a wrapper around a method; it is told how often it was called before. */
function wrap<T extends object>(
  owner: T,
  name: keyof T & string,
  body: (self: T, original: (...args: never[]) => unknown, args: never[], call: number) => unknown,
): void {
  const original = owner[name] as (...args: never[]) => unknown;
  let call = 0;
  vi.spyOn(owner as Record<string, () => unknown>, name).mockImplementation(function (
    this: unknown,
    ...args: never[]
  ) {
    return body(this as T, original.bind(this), args, call++);
  } as () => unknown);
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** A netmem's story: at least how it came from its provider, and who had it since. */
const STORY = /netmem \d+ of \d+, .*pp_ref_count \d.*history: .* -> /;

describe("a provider that", () => {
  test("releases a netmem twice is caught, with the netmem's history", async () => {
    wrap(DevmemBinding.prototype, "releaseNetmem", (_, original, args, call) => {
      const answer = original(...args);
      const [pool, netmem] = args as unknown as Parameters<DevmemBinding["releaseNetmem"]>;
      if (call === 3) pool.forget(netmem, D6);
      return answer;
    });
    const message = await violation("devmem");
    expect(message).toContain("no such change of owner: PROV_FREE -> PROV_FREE");
    expect(message).toMatch(STORY);
    expect(message).toContain("D6 pool to genpool -> PROV_FREE");
  });

  test("frees a niov twice to its genpool is caught", async () => {
    wrap(DevmemBinding.prototype, "releaseNetmem", (_, original, args) => {
      original(...args);
      return original(...args);
    });
    expect(await violation("devmem")).toContain("niov freed twice to the genpool");
  });

  test("hands a niov out twice is caught", async () => {
    let last = -1;
    wrap(Genpool.prototype, "alloc", (_, original, args, call) => {
      if (call === 5) return last;
      last = original(...args) as number;
      return last;
    });
    await violation("devmem");
  });

  test("hands the same niov out twice from a freelist is caught", async () => {
    let last = -1;
    wrap(ZcrxArea.prototype, "take", (_, original, args, call) => {
      if (call === 5) return last;
      last = original(...args) as number;
      return last;
    });
    await violation("zcrx");
  });

  test("forgets to put a released niov on its freelist is caught", async () => {
    wrap(ZcrxArea.prototype, "give", (_, original, args, call) =>
      call === 2 ? undefined : original(...args),
    );
    expect(await violation("zcrx")).toMatch(/invariant 4: zcrx: \d+ free/);
  });

  test("releases without telling the pool is caught", async () => {
    wrap(ZcrxIfq.prototype, "releaseNetmem", (self, original, args, call) => {
      if (call !== 2) return original(...args);
      self.area.give((args as unknown as [unknown, number])[1]);
      return false;
    });
    await violation("zcrx");
  });
});

describe("a driver that", () => {
  test("drains a netmem twice is caught", async () => {
    wrap(Ledger.prototype, "drain", (_, original, args) => {
      const last = original(...args);
      return last === true ? original(...args) : last;
    });
    expect(await violation("page")).toContain("pp_ref_count is off");
  });

  test("gives a frag out without a reference of its own is caught", async () => {
    wrap(Ledger.prototype, "post", (_, original, [n]) => original(n, 1 as never));
    const message = await violation("page");
    expect(message).toContain("a frag was given out without a driver reference");
    expect(message).toMatch(STORY);
  });
});

describe("a stack that", () => {
  test.each(["page", "devmem", "zcrx"])("puts a head too often is caught: %s", async (provider) => {
    let ledger: Ledger | null = null;
    wrap(Ledger.prototype, "post", (self, original, args) => {
      ledger = self;
      return original(...args);
    });
    wrap(SkbSlab.prototype, "dropHead", (self, original, args, call) => {
      const head = self.skbs[(args as unknown as [number])[0] * SK_WORDS + SK_HEAD]!;
      original(...args);
      if (call === 4) ledger!.skbPut(head);
    });
    const message = await violation(provider);
    expect(message).toContain("invariant 8: ");
    expect(message).toMatch(STORY);
  });

  const losesOne = () =>
    wrap(SkbSlab.prototype, "free", (_, original, args, call) =>
      call === 10 ? undefined : original(...args),
    );

  test.each(["page", "devmem", "zcrx"])("loses an skb: a leak with its story: %s", async (each) => {
    losesOne();
    const { record, exitCode } = await run(each);
    expect(exitCode).toBe(EXIT.violated);
    const { leaks, pool, headerPool } = record.runs[0]!;
    expect(leaks.count).toBeGreaterThan(0);
    expect(leaks.byOwner).toMatchObject({ stack: leaks.count, driver: 0, app: 0, poolRing: 0 });
    expect(leaks.zombies).toBeGreaterThan(0);
    expect(Number(pool.inflight) + Number(headerPool?.inflight ?? 0)).toBe(leaks.count);
    expect(leaks.netmems).toHaveLength(Number(leaks.count));
    for (const netmem of leaks.netmems) {
      expect(netmem).toMatchObject({ owner: "stack" });
      expect(netmem.lastTransition).toMatch(/^T[4-7] /);
      expect(Number(netmem.ageNs)).toBeGreaterThan(1e9);
      expect(netmem.history!.length).toBeGreaterThan(2);
    }
  });

  test("loses an skb: without histories only the last transition is known", async () => {
    losesOne();
    const { record, exitCode } = await run("devmem", { leaks: "count" });
    expect(exitCode).toBe(EXIT.violated);
    expect(record.runs[0]!.leaks.netmems[0]).not.toHaveProperty("history");
    expect(record.runs[0]!.leaks.netmems[0]!.lastTransition).toMatch(/^T/);
  });
});

describe("an application that never gives anything back", () => {
  test.each([
    ["devmem", RecvmsgDevmem],
    ["zcrx", ZcrxConsumer],
  ] as const)(
    "leaks nothing: the kernel takes it when it goes: %s",
    async (provider, application) => {
      vi.spyOn(application.prototype, "giveBackAll").mockImplementation(() => {});
      const { record, exitCode } = await run(provider, { hold: "3600s", area: "4MiB" });
      expect(exitCode).toBe(EXIT.done);
      expect(record.runs[0]!.leaks).toMatchObject({ count: 0, zombies: 0 });
      expect(record.runs[0]!.deliveredBytes).toBe(26_180);
    },
  );
});
