import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../../../src/engine/driver/profile.js";
import {
  DEVICE,
  devmemOrdersTable,
  dying,
  EXPORTED,
  HELD,
  playZcrx,
  REQUEST_NS,
  UNREAD,
  warningsOf,
  ZCRX_KERNELS,
  zcrxOnFbnic,
  zcrxOrdersTable,
} from "./orders-table.js";

const DOCUMENT = fileURLToPath(new URL("../../../docs/lifecycle.md", import.meta.url));

const NIOVS = 256;

/** The ring closed with or without requests in flight; a descriptor of it before, after, never. */
const CASES = DRIVERS.flatMap((driver) =>
  ZCRX_KERNELS.flatMap((kernel) =>
    Object.keys(DEVICE).flatMap((device) =>
      [0, REQUEST_NS].flatMap((pendingNs) =>
        EXPORTED.map((exported) => [driver, kernel, device, pendingNs, exported] as const),
      ),
    ),
  ),
);

test("a dying process holds what it read, and TCP what it did not", () => {
  for (const driver of DRIVERS) {
    expect(dying({ driver }).holders()).toMatchObject({ app: HELD, stack: UNREAD });
  }
});

describe("zcrx: every order of ring exit, descriptor and device ends with all free", () => {
  test.each(CASES)(
    "%s, %s, %s, requests end after %d ns, %s",
    (driver, kernel, device, ...rest) => {
      const [pendingNs, exported] = rest;
      const order = { device, pendingNs, exported };
      const rig = playZcrx(order, { kernel, driver }, (step, at) => {
        const [ifq] = at.zcrx.all;
        // Before 7.1 an area whose queue was closed first is unmapped with the instance's free.
        const late = kernel !== "7.3" && step !== device && ifq!.device >= 0;
        if (!at.path.netdev.registered && !late) expect(ifq!.areas.mapped).toBe(false);
        const lastOfRing = pendingNs > 0 ? "requests" : "ring";
        if (exported !== "closed after" || step !== lastOfRing) return;
        expect([ifq!.freed, ifq!.userRefs]).toEqual([false, 1]);
      });
      const [ifq] = rig.zcrx.all;
      expect([ifq!.freed, ifq!.freeCount, ifq!.refs, ifq!.userRefs]).toEqual([true, NIOVS, 0, 0]);
      expect(ifq!.freeOrder.at(-1)).toBe("user");
      expect(rig.holders()).toMatchObject({ app: 0, stack: 0 });
      expect(rig.payloadPools().map(({ state }) => state)).not.toContain("zombie");
      const { warnings } = rig.path.netdev.mgmt;
      expect(warnings).toEqual(warningsOf(driver, device === "link down"));
      rig.path.audit();
    },
  );
});

test.each(["7.1", "7.2"])(
  "%s is in every order as 7.3",
  (kernel) => {
    for (const device of Object.keys(DEVICE)) {
      for (const pendingNs of [0, REQUEST_NS]) {
        for (const exported of EXPORTED) {
          const order = { device, pendingNs, exported };
          const ends = [kernel, "7.3"].map((each) => zcrxOnFbnic(order, each));
          expect({ order, ends: ends[0] }).toEqual({ order, ends: ends[1] });
        }
      }
    }
  },
  30_000,
);

test("docs/lifecycle.md has what the orders come to (UPDATE_LIFECYCLE=1 writes it)", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const made = [
    ["devmem orders", devmemOrdersTable()],
    ["zcrx orders", zcrxOrdersTable()],
  ].reduce((doc, [name, table]) => {
    const block = new RegExp(`(<!-- ${name} -->\n).*(\n<!-- /${name} -->)`, "s");
    if (!block.test(doc!)) throw new Error(`docs/lifecycle.md lacks the marks of ${name}`);
    return doc!.replace(block, (_, start, end) => `${start}\n${table}\n${end}`);
  }, text);
  if (process.env.UPDATE_LIFECYCLE === "1") writeFileSync(DOCUMENT, made!);
  else expect(text).toBe(made);
});

describe("the ring closed before the sockets, unread data behind it", () => {
  const cases = ["6.18", "7.0", "7.3"].flatMap((kernel) =>
    [0, REQUEST_NS].map((pendingNs) => [kernel, pendingNs] as const),
  );
  test.each(cases)(
    "%s, requests end after %d ns: the sockets' part comes last",
    (kernel, pendingNs) => {
      const rig = dying({ kernel });
      rig.life.exitRing({ pendingNs });
      rig.pass(pendingNs + 5e9);
      expect(rig.payloadPools().at(-1)).toMatchObject({
        state: "zombie",
        inflight: UNREAD,
        holders: { app: 0, stack: UNREAD },
      });
      expect(rig.zcrx.all[0]!.freed).toBe(false);
      rig.life.closeSockets();
      rig.pass(1e9);
      expect(rig.zcrx.all[0]).toMatchObject({ freed: true, freeCount: NIOVS });
      rig.path.audit();
    },
  );
});

describe("a request in flight takes user references behind the first scrub", () => {
  test.each([
    ["6.18", "zcrx-shutdown", [0, UNREAD, 0]],
    ["7.0", "zcrx-shutdown", [HELD, HELD + UNREAD, 0]],
    ["7.1", "zcrx-terminate", [0, UNREAD, 0]],
  ] as const)("%s: %s", (kernel, event, held) => {
    const rig = dying({ kernel });
    const seen: number[] = [];
    rig.life.exitRing({
      pendingNs: REQUEST_NS,
      inFlight: () => {
        seen.push(rig.holders().app);
        rig.inFlight();
        seen.push(rig.holders().app);
      },
    });
    const early = kernel === "7.0" ? 0 : 1;
    expect(rig.life.log.of(event)).toHaveLength(early);
    rig.pass(REQUEST_NS);
    seen.push(rig.holders().app);
    expect(seen).toEqual(held);
    expect(rig.life.log.of(event)).toHaveLength(1);
    rig.life.closeSockets();
    rig.pass(2e9);
    expect(rig.zcrx.all[0]!.freed).toBe(true);
  });
});

describe("the queue can be registered again", () => {
  test.each([
    ["6.18", 0],
    ["7.0", -17],
    ["7.1", 0],
    ["7.3", 0],
  ])("%s, at once, with requests of the old ring in flight: %d", (kernel, errno) => {
    const rig = dying({ kernel, spareAreas: 1 });
    rig.life.closeSockets();
    rig.life.exitRing({ pendingNs: REQUEST_NS });
    expect(rig.life.registerAgain()).toBe(errno);
    if (errno !== 0) {
      expect(rig.path.netdev.mgmt.queues[0]!.provider).toBe(rig.zcrx.all[0]);
      rig.pass(REQUEST_NS);
      expect(rig.life.registerAgain()).toBe(0);
    }
    const fresh = rig.zcrx.ifqs[0]!;
    expect(rig.path.netdev.mgmt.queues[0]!.provider).toBe(fresh);
    expect(fresh).not.toBe(rig.zcrx.all[0]);
    rig.connect().send(4);
    expect(rig.path.app.heldCount).toBe(4);
    rig.pass(2 * REQUEST_NS);
    expect(rig.zcrx.all.map(({ freed }) => freed)).toEqual([true, false]);
    rig.path.audit();
    rig.path.app.giveBackAll();
    fresh.flushRq();
    expect(rig.holders().app).toBe(0);
  });

  test("needs memory of its own while the old one is still used", () => {
    const rig = dying();
    rig.life.exitRing();
    expect(rig.life.registerAgain()).toBe(-12);
    rig.life.closeSockets();
    rig.pass(2e9);
    expect(rig.life.registerAgain()).toBe(0);
  });

  test("a refused registration leaves nothing behind", () => {
    const rig = dying({ kernel: "7.0", spareAreas: 1, queues: 2 });
    rig.life.closeSockets();
    rig.life.exitRing({ pendingNs: REQUEST_NS });
    const pools = rig.life.pools().length;
    expect(rig.life.registerAgain()).toBe(-17);
    expect(rig.zcrx.open).toBe(false);
    expect(rig.life.pools()).toHaveLength(pools);
    rig.pass(REQUEST_NS + 2e9);
    expect(rig.zcrx.all.map(({ freed }) => freed)).toEqual([true, true]);
    rig.path.audit();
  });
});

test("a descriptor keeps the queue open behind the ring; a second close finds none", () => {
  const rig = dying();
  rig.life.exportFd(0);
  rig.life.exitRing();
  expect(rig.path.netdev.mgmt.queues[0]!.provider).toBe(rig.zcrx.all[0]);
  expect(rig.holders().app).toBe(HELD);
  expect(rig.life.closeFd()).toBe(0);
  expect(rig.path.netdev.mgmt.queues[0]!.provider).toBeNull();
  expect(rig.holders().app).toBe(0);
  expect(rig.life.closeFd()).toBe(-9);
});
