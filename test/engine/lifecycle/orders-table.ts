import { DRIVERS, type DriverName } from "../../../src/engine/driver/profile.js";
import { type PathOptions, PathRig } from "./path-rig.js";

/** Netmems that the application holds, and that lie unread in TCP, when the end begins. */
export const HELD = 5;
export const UNREAD = 3;
/** When requests in flight end. */
export const REQUEST_NS = 1_500_000_000;

/** (S) the netlink socket is closed, (P) the pool is destroyed, (U) uninstall at unregister. */
const STEPS: Readonly<Record<string, (rig: PathRig) => void>> = {
  S: (rig) => rig.life.closeNetlink(),
  P: (rig) => rig.life.linkDown(),
  U: (rig) => rig.life.unregisterNetdev(),
};

/** The orders that can be; U before P cannot, since devices are closed first. */
export const DEVMEM_ORDERS = ["SPU", "PSU", "PUS"] as const;
/** When the tokens go back: before the first step, behind one, or at socket destroy. */
export const RETURNS = ["before", "after 1", "after 2", "after 3", "socket destroy"] as const;
export type Returned = (typeof RETURNS)[number];

/** The steps of a devmem order, told one by one to `seen`. */
export function devmemOrder(
  order: string,
  returned: Returned,
  options: Partial<PathOptions>,
  seen: (step: string, rig: PathRig) => void = () => {},
): PathRig {
  const rig = new PathRig({ provider: "devmem", ...options });
  rig.send(HELD);
  if (returned === "before") rig.path.app.giveBackAll();
  [...order].forEach((step, i) => {
    STEPS[step]!(rig);
    rig.path.audit();
    if (returned === `after ${i + 1}`) rig.path.app.giveBackAll();
    rig.pass(0);
    seen(step, rig);
  });
  return rig;
}

/** What befalls the device of a zcrx instance: before its ring goes, or right behind that. */
export const DEVICE: Readonly<Record<string, { before?: (rig: PathRig) => void; between?: true }>> =
  {
    nothing: {},
    "link down": { before: (rig) => rig.life.linkDown() },
    "queue restart": { before: (rig) => rig.life.restartQueue(0) },
    unregister: { before: (rig) => rig.life.unregisterNetdev() },
    "unregister between": { between: true },
  };
export const EXPORTED = ["no descriptor", "closed before", "closed after"] as const;

/** A process that is dying: it holds {@link HELD}, and {@link UNREAD} more came. */
export function dying(options: Partial<PathOptions> = {}): PathRig {
  const rig = new PathRig({ provider: "zcrx", ...options });
  rig.send(HELD);
  rig.life.exitApplication({ order: [] });
  rig.send(UNREAD);
  return rig;
}

/** What an order of a dying zcrx process is made of. */
export interface ZcrxOrder {
  readonly device: string;
  /** When the requests in flight end, 0 for none in flight. */
  readonly pendingNs: number;
  readonly exported: (typeof EXPORTED)[number];
}

/** The steps of a zcrx order, told one by one to `seen`. */
export function zcrxOrder(
  { device, pendingNs, exported }: ZcrxOrder,
  options: Partial<PathOptions>,
  seen: (step: string, rig: PathRig) => void = () => {},
): PathRig {
  const rig = dying(options);
  if (exported !== "no descriptor") rig.life.exportFd(0);
  const { before, between } = DEVICE[device]!;
  if (before !== undefined) {
    before(rig);
    seen(device, rig);
  }
  rig.life.closeSockets();
  seen("sockets", rig);
  if (exported === "closed before") rig.life.closeFd();
  rig.life.exitRing({ pendingNs, inFlight: () => rig.inFlight() });
  rig.path.audit();
  seen("ring", rig);
  if (between === true) {
    rig.life.unregisterNetdev();
    seen("unregister", rig);
  }
  rig.pass(pendingNs);
  if (pendingNs > 0) seen("requests", rig);
  if (exported === "closed after") {
    rig.life.closeFd();
    seen("fd", rig);
  }
  return rig;
}

/** The first step at which each of several things had come about. */
class Milestones {
  readonly #first = new Map<string, string>();

  note(step: string, reached: Readonly<Record<string, boolean>>): void {
    for (const [what, yes] of Object.entries(reached)) {
      if (yes && !this.#first.has(what)) this.#first.set(what, step);
    }
  }

  /** `queue S, pool 1 s`: in the order given. */
  told(names: readonly string[]): string {
    return names.map((name) => `${name} ${this.#first.get(name) ?? "never"}`).join(", ");
  }
}

/** Called behind each step of an order. */
type Look = (step: string, rig: PathRig) => void;

/** What orders came to, by what they are made of: a run of them is long. */
const told = new Map<string, string>();

/** Plays a devmem order to its end; notes when queue, pool and binding were done with. */
export function playDevmem(
  order: string,
  returned: Returned,
  options: Partial<PathOptions>,
  look: Look = () => {},
): PathRig {
  const ends = new Milestones();
  const seen: Look = (step, rig) => {
    const [binding] = rig.devmem.all;
    ends.note(step, {
      queue: rig.path.netdev.mgmt.queues[0]!.provider === null || binding!.queues.size === 0,
      pool: rig.payloadPools().every(({ state }) => state === "freed"),
      binding: binding!.freed && !binding!.mapped,
    });
    look(step, rig);
  };
  const rig = devmemOrder(order, returned, options, seen);
  if (returned === "socket destroy") {
    rig.pass(30e9);
    seen("30 s", rig);
    rig.life.closeSockets();
    seen("sockets", rig);
  }
  rig.pass(1e9);
  seen("1 s", rig);
  told.set(keyOf(order, returned, options), ends.told(["queue", "pool", "binding"]));
  return rig;
}

/** Plays a zcrx order; when queue, user references, mappings, pool and instance were done with. */
export function playZcrx(
  order: ZcrxOrder,
  options: Partial<PathOptions>,
  look: Look = () => {},
): PathRig {
  const ends = new Milestones();
  const seen: Look = (step, rig) => {
    const [ifq] = rig.zcrx.all;
    ends.note(step, {
      queue: rig.path.netdev.mgmt.queues[0]!.provider === null,
      user: rig.holders().app === 0,
      unmapped: !ifq!.areas.mapped,
      pool: rig.payloadPools().every(({ state }) => state === "freed"),
      instance: ifq!.freed,
    });
    look(step, rig);
  };
  const rig = zcrxOrder(order, options, seen);
  for (const second of [1, 2]) {
    rig.pass(1e9);
    seen(`${second} s`, rig);
  }
  const names = ["queue", "user", "unmapped", "pool", "instance"];
  told.set(keyOf(order, options), ends.told(names));
  return rig;
}

function keyOf(...of: readonly unknown[]): string {
  return JSON.stringify(of);
}

/** Warnings of the core: gve's answer to a restart while closed is not the one that it ignores. */
export function warningsOf(driver: DriverName, closedWhileDown: boolean): string[] {
  return driver === "gve" && closedWhileDown ? ["restart of queue 0 on close: -11"] : [];
}

/** What drivers make of an order: one text where all are alike. */
function onDrivers(ends: (driver: DriverName) => string): string {
  const texts = DRIVERS.map((driver) => [driver, ends(driver)] as const);
  const alike = texts.every(([, text]) => text === texts[0]![1]);
  return alike ? texts[0]![1] : texts.map(([driver, text]) => `${driver}: ${text}`).join("; ");
}

function devmemCell(order: string, returned: Returned, kernel: string): string {
  return onDrivers((driver) => {
    const key = keyOf(order, returned, { kernel, driver });
    if (!told.has(key)) playDevmem(order, returned, { kernel, driver });
    return told.get(key)!;
  });
}

function zcrxCell(order: ZcrxOrder, kernel: string): string {
  return onDrivers((driver) => {
    const key = keyOf(order, { kernel, driver });
    if (!told.has(key)) playZcrx(order, { kernel, driver });
    return told.get(key)!;
  });
}

/** Rows that differ in one column alone become one, with what they have there in a list. */
function joined(rows: readonly string[][], column: number): string[][] {
  const byRest = new Map<string, string[]>();
  for (const row of rows) {
    const key = row.filter((_, i) => i !== column).join("|");
    const known = byRest.get(key);
    if (known === undefined) byRest.set(key, [...row]);
    else known[column] += `, ${row[column]}`;
  }
  return [...byRest.values()];
}

function markdown(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export const DEVMEM_KERNELS = ["6.12", "7.3"] as const;
export const ZCRX_KERNELS = ["6.18", "7.0", "7.3"] as const;

/** What an order comes to on fbnic, as a cell of a table tells it. */
export function devmemOnFbnic(order: string, returned: Returned, kernel: string): string {
  const options = { kernel, driver: "fbnic" } as const;
  const key = keyOf(order, returned, options);
  if (!told.has(key)) playDevmem(order, returned, options);
  return told.get(key)!;
}

/** The same of a zcrx order. */
export function zcrxOnFbnic(order: ZcrxOrder, kernel: string): string {
  const options = { kernel, driver: "fbnic" } as const;
  const key = keyOf(order, options);
  if (!told.has(key)) playZcrx(order, options);
  return told.get(key)!;
}

/** The table of devmem's orders of docs/lifecycle.md. */
export function devmemOrdersTable(): string {
  const rows = DEVMEM_ORDERS.flatMap((order) =>
    RETURNS.map((returned) => [
      [...order].join("-"),
      returned,
      ...DEVMEM_KERNELS.map((kernel) => devmemCell(order, returned, kernel)),
    ]),
  );
  return markdown(["order", "tokens back", ...DEVMEM_KERNELS], joined(rows, 1));
}

/** The table of zcrx's orders of docs/lifecycle.md. */
export function zcrxOrdersTable(): string {
  const rows = Object.keys(DEVICE).flatMap((device) =>
    [0, REQUEST_NS].flatMap((pendingNs) =>
      EXPORTED.map((exported) => [
        device,
        pendingNs === 0 ? "none" : "1.5 s",
        exported,
        ...ZCRX_KERNELS.map((kernel) => zcrxCell({ device, pendingNs, exported }, kernel)),
      ]),
    ),
  );
  const head = ["device", "requests", "descriptor", ...ZCRX_KERNELS];
  return markdown(head, joined(joined(rows, 2), 0));
}
