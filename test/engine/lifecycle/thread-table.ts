import { KERNEL_PROFILES, type KernelProfile } from "../../../src/engine/kernel/profile.js";
import { NM_STATE, NM_USER, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { APP_UREF, DRV_RING, PROV_FREE, SKB } from "../../../src/engine/netmem/state.js";
import type { ProviderKind } from "../../../src/engine/receive-options.js";
import { PathRig } from "./path-rig.js";

/** One answer to the thread's question: who gives back what the user holds. */
export interface Column {
  readonly name: string;
  readonly provider: ProviderKind;
  readonly kernel: KernelProfile;
}

const RFC = KERNEL_PROFILES["rfc-v6"]!;
const V7_0 = KERNEL_PROFILES["7.0"]!;

/** The four that the document sets side by side. */
export const COLUMNS: readonly Column[] = [
  { name: "a scrub", provider: "zcrx", kernel: RFC },
  { name: "b socket", provider: "devmem", kernel: V7_0 },
  { name: "c ifq", provider: "zcrx", kernel: V7_0 },
  { name: "d none", provider: "zcrx", kernel: { ...RFC, providerScrub: false } },
];

/** Netmems of the provider by owner, at one moment. */
export interface Counts {
  readonly user: number;
  readonly stack: number;
  readonly driver: number;
  readonly pool: number;
  readonly provider: number;
  /** Payload pools destroyed and not freed; whether the provider object is gone. */
  readonly zombies: number;
  readonly gone: boolean;
  /** Netmems taken from a live process that still reads them; of these, in use again. */
  readonly taken: number;
  readonly reused: number;
}

/** A row of a script: what happened, and the counts after it. */
export interface Row {
  readonly step: string;
  readonly counts: Counts;
}

/** Segments that are read, that are not, and that come after the queue was reset. */
export const READ = 8;
export const UNREAD = 4;
export const LATER = 112;
/** Requests in flight when the ring is closed end after this. */
const REQUEST_NS = 500e6;

/** A receive path of one column, and the table of what happens on it. */
class Script {
  readonly rig: PathRig;
  readonly rows: Row[] = [];
  /** Netmems that a live user reads; those of them that were taken away. */
  #reads: number[] = [];
  readonly #taken = new Set<number>();

  constructor({ provider, kernel }: Column) {
    this.rig = new PathRig({ provider, kernel, netmems: 128 });
    this.row("1, 2: provider to page pool to driver");
    this.rig.send(READ);
    this.row(`3, 4: ${READ} segments, driver to TCP to user`);
  }

  /** From now on what the user holds is read by it. */
  userReads(): void {
    const { words } = this.rig.path.table;
    this.#reads = this.#area().filter((n) => words[n * NM_WORDS + NM_USER]! > 0);
  }

  /** The user reads no more. */
  userDone(): void {
    this.#reads = [];
    this.#taken.clear();
  }

  row(step: string): void {
    const { rig } = this;
    const { table, binding } = rig.path;
    const { words } = table;
    const pools = rig.payloadPools();
    const sum = (of: (pool: (typeof pools)[number]) => number) =>
      pools.reduce((total, pool) => total + of(pool), 0);
    const state = (n: number) => words[n * NM_WORDS + NM_STATE]!;
    for (const n of this.#reads) if (words[n * NM_WORDS + NM_USER] === 0) this.#taken.add(n);
    const again = [...this.#taken].filter((n) => [DRV_RING, SKB, APP_UREF].includes(state(n)));
    const counts = {
      user: sum(({ holders }) => holders.app),
      stack: sum(({ holders }) => holders.stack),
      driver: sum(({ holders }) => holders.driver),
      pool: sum(({ holders }) => holders.poolCache + holders.poolRing),
      provider: this.#area().filter((n) => state(n) === PROV_FREE).length,
      zombies: pools.filter((pool) => pool.state === "zombie").length,
      gone: binding.control!.all[0]!.freed,
      taken: this.#taken.size,
      reused: again.length,
    };
    this.rows.push({ step, counts });
  }

  #area(): number[] {
    return Array.from({ length: this.rig.path.table.areaNetmems }, (_, n) => n);
  }
}

/** The process dies with buffers between step 4 and step 5, and unread ones behind step 3. */
export function crash(column: Column): readonly Row[] {
  const script = new Script(column);
  const { rig } = script;
  rig.life.exitApplication({ order: [] });
  rig.send(UNREAD);
  script.row(`the process dies; 3: ${UNREAD} segments more`);
  rig.life.closeSockets();
  rig.pass(1e6);
  script.row("its sockets are closed and destroyed");
  if (column.provider === "devmem") rig.life.closeNetlink();
  else rig.life.exitRing({ pendingNs: REQUEST_NS });
  script.row("its netlink socket or ring is closed");
  rig.pass(REQUEST_NS);
  script.row("0.5 s later: its requests have ended");
  rig.pass(2e9);
  script.row("2.5 s later: the pool was tried again");
  rig.pass(600e9);
  script.row("10 minutes later");
  return script.rows;
}

/** Somebody resets the queue while a live process has buffers between step 4 and step 5. */
export function whim(column: Column): readonly Row[] {
  const script = new Script(column);
  const { rig } = script;
  script.userReads();
  rig.life.restartQueue(0);
  script.row("the queue is restarted on a whim");
  rig.pass(2e9);
  script.row("2 s later: the old pool was tried again");
  rig.send(LATER);
  script.row(`3, 4: ${LATER} segments more`);
  rig.path.app.giveBackAll();
  for (const ifq of column.provider === "zcrx" ? rig.zcrx.ifqs : []) ifq.flushRq();
  script.userDone();
  script.row("5: user to page pool, all that it has");
  rig.pass(2e9);
  script.row("2 s later: the old pool was tried again");
  return script.rows;
}

/** `user + stack + driver + pool + provider`, and what is off. */
function cell(counts: Counts): string {
  const { user, stack, driver, pool, provider } = counts;
  const notes = [
    counts.zombies > 0 ? "Z" : "",
    counts.gone ? "gone" : "",
    counts.taken > 0 ? `!${counts.taken}/${counts.reused}` : "",
  ];
  return [[user, stack, driver, pool, provider].join(" "), ...notes.filter(Boolean)].join(" ");
}

const RUNS = new Map<unknown, ReadonlyArray<readonly Row[]>>();

/** The rows of a script in each column; run once. */
export function rowsOf(script: (column: Column) => readonly Row[]): ReadonlyArray<readonly Row[]> {
  const known = RUNS.get(script) ?? COLUMNS.map(script);
  RUNS.set(script, known);
  return known;
}

/** A script's table in Markdown, one column an answer, one row a step. */
export function table(script: (column: Column) => readonly Row[]): string {
  const columns = rowsOf(script);
  const head = ["step", ...COLUMNS.map(({ name }) => name)];
  const rows = columns[0]!.map(({ step }, i) => [
    step,
    ...columns.map((rows) => cell(rows[i]!.counts)),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
