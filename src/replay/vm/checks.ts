import { toDouble } from "../record/json-number.js";
import type { NetmemRecord, RunRecord, StreamRecord } from "../record/schema.js";
import type { VmCheck } from "../record/vm-parity.js";
import type { GuestResult } from "./guest/job.js";
import type { DuePacket, Scenario } from "./scenarios.js";

/** Both sides of one scenario; the guest's record is null where its run was killed. */
export interface Sides {
  readonly scenario: Scenario;
  /** Its faults, at packets of the capture. */
  readonly faults: readonly DuePacket[];
  readonly model: RunRecord;
  readonly guest: RunRecord | null;
  readonly result: GuestResult;
}

/** The run that a guest printed; null where it printed none. */
export function runOf({ stdout }: GuestResult): RunRecord | null {
  try {
    return (JSON.parse(stdout) as NetmemRecord).runs?.[0] ?? null;
  } catch {
    return null;
  }
}

/** Everything that is compared of one scenario. */
export function checksOf(sides: Sides): VmCheck[] {
  const { scenario, model, guest, result } = sides;
  const check = (what: string, here: unknown, there: unknown, same = here === there): VmCheck => ({
    scenario: scenario.id,
    what,
    model: String(here),
    guest: String(there),
    same,
    explained: null,
  });
  const pools = check("pools of the provider left", 0, result.poolsLeft);
  const inflight = check("inflight after the end", 0, result.inflightLeft);
  if (scenario.expects === "killed") {
    const killed = guest === null && failureOf(result).includes("SIGKILL");
    return [check("reader", "killed", killed ? "killed" : failureOf(result)), pools, inflight];
  }
  if (guest === null) {
    const said = failureOf(result);
    return [check("record", "yes", said, false), pools, inflight];
  }
  const common = [
    pools,
    inflight,
    check("leaked netmems", model.leaks.count, guest.leaks.count),
    check("zombie pools", model.leaks.zombies, guest.leaks.zombies),
    ...(upset(scenario) ? [] : [check("given back of handed out", back(model), back(guest))]),
    ...(scenario.faults !== undefined
      ? [check("holds and releases", account(model), account(guest))]
      : []),
    ...(scenario.faults !== undefined && !upset(scenario)
      ? [check("pool's counters", counters(model), counters(guest))]
      : []),
    ...faultChecks(check, sides, guest),
  ];
  if (scenario.expects === "starved") return [...common, ...starvedChecks(check, model, guest)];
  return [...common, ...streamChecks(check, model, guest), ...copyChecks(check, sides, guest)];
}

/** Whether anything happens that changes who gives what back. */
function upset({ faults = [] }: Scenario): boolean {
  return faults.some(({ kind }) => kind !== "look");
}

/** What the provider's pool counted; the same only where both sides read every packet at once. */
function counters({ pool }: RunRecord): string {
  const { allocFast, allocEmpty, allocRefill, recycleCached, recycleRing } = pool;
  const alloc = `alloc fast ${allocFast}, empty ${allocEmpty}, refill ${allocRefill}`;
  return `${alloc}; recycle cached ${recycleCached}, ring ${recycleRing}`;
}

/**
 * Netmems that entered and left the accounts of the provider's pools; the same only where both
 * sides read every packet at once.
 */
function account({ pool: { hold, release } }: RunRecord): string {
  return `${hold} held, ${release} released`;
}

/** What each fault came to: counts at the looks, errnos elsewhere. */
function faultChecks(check: Check, { faults, model }: Sides, guest: RunRecord): VmCheck[] {
  const text = (run: RunRecord, i: number) => {
    const happened = run.faults?.[i];
    return happened === undefined ? "missing" : happened.effect || "done";
  };
  return faults.flatMap(({ kind, packet }, i) => {
    // How many sockets there are by then is the application's affair.
    if (kind === "socket-close") return [];
    const [here, there] = [text(model, i), text(guest, i)];
    const exited = faults.slice(0, i).some((before) => before.kind === "terminate");
    const same = here === there || (kind === "look" && sameLook(here, there, exited));
    return [check(`${kind} before packet ${packet}`, here, there, same)];
  });
}

/**
 * Whether two looks agree. Where nobody can tell what is out, the pool's account is left. After a
 * ring's exit its pool, from which all came back, waits for the next second's try to go
 * (page_pool_release_retry): on a slow guest it may be gone by then.
 */
function sameLook(model: string, guest: string, exited: boolean): boolean {
  const [here, there] = [model, guest].map((text) => text.match(/\d+|^\?/g) ?? []);
  const [out, inflight] = [here![0], Number(here![1])];
  const flying = Number(there![1]);
  if (there![0] !== "?" && there![0] !== out) return false;
  if (exited) return flying <= inflight;
  return flying === inflight && here![2] === there![2];
}

type Check = (what: string, here: unknown, there: unknown, same?: boolean) => VmCheck;

function starvedChecks(check: Check, model: RunRecord, guest: RunRecord): VmCheck[] {
  // A NIC without posted buffers drops; bnxt's driver drops what it cannot replace.
  const drops = ({ drops: { RX_HW_DROP_OVERRUNS = 0, RX_ALLOC_FAIL = 0 } }: RunRecord) =>
    toDouble(RX_HW_DROP_OVERRUNS) + toDouble(RX_ALLOC_FAIL) > 0 ? "yes" : "no";
  const window = (run: RunRecord) => (toDouble(run.tcp.TCPToZeroWindowAdv ?? 0) > 0 ? "yes" : "no");
  return [
    check("drops for want of netmems", drops(model), drops(guest)),
    check("zero window", window(model), window(guest)),
    check("copied bytes", model.copy.bytes, guest.copy.bytes),
  ];
}

function streamChecks(check: Check, model: RunRecord, guest: RunRecord): VmCheck[] {
  const rows = guest.streams ?? [];
  const rest = new Map<string, StreamRecord[]>();
  for (const row of rows) rest.set(nameOf(row), [...(rest.get(nameOf(row)) ?? []), row]);
  const found: VmCheck[] = [check("delivered bytes", model.deliveredBytes, guest.deliveredBytes)];
  let equal = 0;
  const wanted = (model.streams ?? []).filter(({ bytes }) => toDouble(bytes) > 0);
  for (const row of wanted) {
    const other = rest.get(nameOf(row))?.shift();
    if (other?.sha256 === row.sha256) equal++;
    else found.push(check(`stream ${nameOf(row)}`, row.bytes, other?.bytes ?? "none", false));
  }
  found.push(check("streams equal, byte by byte", wanted.length, equal));
  return found;
}

function copyChecks(check: Check, { scenario, model }: Sides, guest: RunRecord): VmCheck[] {
  if (scenario.expects !== "mixed") {
    return [
      check("copied to the user", model.copy.bytes, guest.copy.bytes),
      check("passed by reference", model.reference.bytes, guest.reference.bytes),
    ];
  }
  const both = (run: RunRecord) =>
    toDouble(run.copy.bytes) > 0 && toDouble(run.reference.bytes) > 0 ? "both" : "one alone";
  return [check("copied, and passed by reference", both(model), both(guest))];
}

function back({ recycle }: RunRecord): string {
  return recycle.endToEndPct === null ? "nothing" : `${recycle.endToEndPct.toFixed(2)} %`;
}

function nameOf({ src, sport, dst, dport }: StreamRecord): string {
  return `${src}:${sport} > ${dst}:${dport}`;
}

/** What a run that printed no record said. */
export function failureOf({ stdout, stderr, status }: GuestResult): string {
  try {
    return (JSON.parse(stdout) as { error: { message: string } }).error.message;
  } catch {
    return stderr.trim().split("\n").at(-1) || `no answer (${status ?? "killed"})`;
  }
}
