import { describe, expect, test } from "vitest";
import { DRIVERS, type DriverName } from "../../../src/engine/driver/profile.js";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import type { ProviderKind } from "../../../src/engine/receive-options.js";
import { PathRig } from "./path-rig.js";

/** Segments that the application holds (devmem, zcrx) or has read (page) when the event comes. */
const HELD = 6;

/** The events of the table, each on a path whose application holds something. */
const EVENTS: Readonly<Record<string, (rig: PathRig) => void>> = {
  "queue restart": (rig) => rig.life.restartQueue(0),
  "link down": (rig) => rig.life.linkDown(),
  "link down and up": (rig) => {
    rig.life.linkDown();
    rig.life.linkUp();
  },
  "ring size": (rig) => rig.life.setRing(32),
  "driver reset": (rig) => rig.life.resetDriver(),
  "netdev unregister": (rig) => rig.life.unregisterNetdev(),
  "namespace exit": (rig) => rig.life.exitNamespace(),
  "app exit, sockets only": (rig) => rig.life.exitApplication({ order: ["sockets"] }),
  "app exit, control only": (rig) => rig.life.exitApplication({ order: ["control"] }),
  "app exit, both": (rig) => rig.life.exitApplication(),
  "app exit, control first": (rig) => rig.life.exitApplication({ order: ["control", "sockets"] }),
};

/** The state of a path right after an event, in the words of the table. */
function survivors(rig: PathRig, old: number): string {
  const { provider } = rig.path.options;
  const rxq = rig.path.netdev.mgmt.queues[0]!;
  const pool = rig.life.pools()[old - 1]!;
  const object = provider === "page" ? null : (rig.devmem.all[0] ?? null);
  const mapped = provider === "zcrx" ? rig.zcrx.all[0]!.areas.mapped : object?.mapped;
  const words = [
    provider === "page" ? "" : rxq.provider === null ? "cleared" : "kept",
    `${pool.state}${pool.visibility === "normal" ? "" : ` ${pool.visibility}`}`,
    object === null ? "" : object.freed ? "freed" : mapped === true ? "mapped" : "unmapped",
    `${pool.holders.app} out`,
  ];
  return words.filter((word) => word !== "").join(", ");
}

/** What it comes to: the user gives back if it lives, then three seconds pass. */
function finale(rig: PathRig, old: number): string {
  rig.path.app.giveBackAll();
  if (rig.path.options.provider === "zcrx") for (const ifq of rig.zcrx.ifqs) ifq.flushRq();
  rig.pass(3e9);
  rig.path.audit();
  const pool = rig.life.pools()[old - 1]!;
  const after = pool.freedAfterSeconds < 0 ? "" : ` after ${pool.freedAfterSeconds} s`;
  const object = rig.path.options.provider === "page" ? null : rig.devmem.all[0]!;
  return `${pool.state}${after}${object === null ? "" : object.freed ? ", freed" : ", kept"}`;
}

function observe(
  provider: ProviderKind,
  event: string,
  kernel = "7.3",
  driver: DriverName = "fbnic",
): [string, string] {
  const rig = new PathRig({ provider, kernel, driver });
  rig.send(HELD);
  const old = rig.payloadPools().at(-1)!.id;
  expect(rig.life.pools()[old - 1]!.state).toBe("live");
  EVENTS[event]!(rig);
  const right = survivors(rig, old);
  return [right, finale(rig, old)];
}

/** Event; then per provider: mp_params, old pool, provider object, with the user; and the end. */
type TableRow = readonly [event: string, now: string, end: string];

const PAGE: readonly TableRow[] = [
  ["queue restart", "freed, 0 out", "freed"],
  ["link down", "freed, 0 out", "freed"],
  ["link down and up", "freed, 0 out", "freed"],
  ["ring size", "freed, 0 out", "freed"],
  ["driver reset", "freed, 0 out", "freed"],
  ["netdev unregister", "freed, 0 out", "freed"],
  ["namespace exit", "freed, 0 out", "freed"],
  ["app exit, sockets only", "live, 0 out", "live"],
  ["app exit, control only", "live, 0 out", "live"],
  ["app exit, both", "live, 0 out", "live"],
  ["app exit, control first", "live, 0 out", "live"],
];

const DEVMEM: readonly TableRow[] = [
  ["queue restart", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["link down", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["link down and up", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["ring size", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["driver reset", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  // devmem forgets its queues, but leaves mp_params; the dma-buf stays mapped.
  ["netdev unregister", "kept, zombie orphaned, mapped, 6 out", "freed after 1 s, kept"],
  ["namespace exit", "kept, zombie invisible, mapped, 6 out", "freed after 1 s, kept"],
  // Tokens live until the socket is destroyed, when its FIN is acknowledged.
  ["app exit, sockets only", "kept, live, mapped, 6 out", "live, kept"],
  ["app exit, control only", "cleared, zombie, mapped, 6 out", "zombie, kept"],
  ["app exit, both", "cleared, zombie, mapped, 6 out", "freed after 1 s, freed"],
  ["app exit, control first", "cleared, zombie, mapped, 6 out", "freed after 1 s, freed"],
];

const ZCRX: readonly TableRow[] = [
  ["queue restart", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["link down", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["link down and up", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["ring size", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["driver reset", "kept, zombie, mapped, 6 out", "freed after 1 s, kept"],
  ["netdev unregister", "cleared, zombie orphaned, unmapped, 6 out", "freed after 1 s, kept"],
  ["namespace exit", "kept, zombie invisible, mapped, 6 out", "freed after 1 s, kept"],
  // The ring holds the references, not the sockets.
  ["app exit, sockets only", "kept, live, mapped, 6 out", "live, kept"],
  ["app exit, control only", "cleared, zombie, unmapped, 0 out", "freed after 1 s, freed"],
  ["app exit, both", "cleared, zombie, unmapped, 0 out", "freed after 1 s, freed"],
  ["app exit, control first", "cleared, zombie, unmapped, 0 out", "freed after 1 s, freed"],
];

const TABLES = DRIVERS.flatMap((driver) => [
  ["page", driver, PAGE] as const,
  ["devmem", driver, DEVMEM] as const,
  ["zcrx", driver, ZCRX] as const,
]);

describe.each(TABLES)("what survives which event, %s on %s:", (provider, driver, rows) => {
  test.each(rows)("%s: %s, then %s", (event, now, end) => {
    expect(observe(provider, event, "7.3", driver)).toEqual([now, end]);
  });

  test("every event has its row", () => {
    expect(rows.map(([event]) => event)).toEqual(Object.keys(EVENTS));
  });
});

/** Rows of the tables above that a vintage has otherwise, by provider and vintage. */
const EXITS = ["app exit, control only", "app exit, both", "app exit, control first"];
const OTHERWISE: Readonly<Record<string, readonly TableRow[]>> = {
  // 6.18 scrubs before the queue is closed: the pool has nothing out when it is destroyed.
  "zcrx 6.18": EXITS.map((event) => [event, "cleared, freed, freed, 0 out", "freed, freed"]),
  // Before 7.1 the area stays mapped until the instance is freed.
  "zcrx 7.0": EXITS.map((event) => [
    event,
    "cleared, zombie, mapped, 0 out",
    "freed after 1 s, freed",
  ]),
};

/** The tables above, row by row, as each other vintage has them. */
const VINTAGES = Object.keys(KERNEL_PROFILES).filter((kernel) => kernel !== "7.3");
const ELSEWHERE = VINTAGES.flatMap((kernel) =>
  [
    ["page", PAGE] as const,
    ["devmem", DEVMEM] as const,
    ...(KERNEL_PROFILES[kernel]!.hasZcrx ? [["zcrx", ZCRX] as const] : []),
  ].flatMap(([provider, rows]) =>
    rows.map((row) => {
      const own = OTHERWISE[`${provider} ${kernel}`]?.find(([event]) => event === row[0]);
      return [provider, kernel, ...(own ?? row)] as const;
    }),
  ),
);

test.each(ELSEWHERE)("what survives, %s in %s, %s: %s, then %s", (...row) => {
  const [provider, kernel, event, now, end] = row;
  expect(observe(provider, event, kernel)).toEqual([now, end]);
});

describe("in the thread's vintage, had it been merged", () => {
  test.each([
    // The scrub of the thread: whoever takes the pool takes the user's buffers.
    ["zcrx", "rfc-v6", "queue restart", "kept, freed, mapped, 0 out", "freed, kept"],
    ["zcrx", "rfc-v6", "link down", "kept, freed, mapped, 0 out", "freed, kept"],
    ["zcrx", "rfc-v6", "netdev unregister", "kept, freed, mapped, 0 out", "freed, kept"],
    ["zcrx", "rfc-v6", "app exit, both", "cleared, freed, freed, 0 out", "freed, freed"],
  ] as const)("%s in %s, %s: %s, then %s", (provider, kernel, event, now, end) => {
    expect(observe(provider, event, kernel)).toEqual([now, end]);
  });
});
