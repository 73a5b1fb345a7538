import { Prng } from "../../engine/clock/prng.js";
import { InvariantViolation } from "../../engine/ledger/invariant.js";
import { PluginFault, type ProviderModule } from "../../engine/provider/plugin.js";
import { CLAUSES, type ClauseName } from "../record/conform-document.js";
import { type Op, type OpName, World, type WorldSize } from "./world.js";

/** A sequence of operations on a fresh provider, ended in order. */
export interface Trial {
  readonly size: WorldSize;
  readonly ops: readonly Op[];
}

/** How a trial came out; `clause` is null if nothing was broken. */
export interface TrialResult {
  readonly clause: ClauseName | null;
  readonly message: string;
  readonly story: readonly string[];
  readonly operations: number;
}

/** The clause that an invariant of the engine belongs to. */
const CLAUSE_OF: Readonly<Record<string, ClauseName>> = {
  1: "conservation",
  2: "conservation",
  3: "conservation",
  4: "conservation",
  5: "distinct",
  15: "batch",
  25: "teardown",
  26: "teardown",
};

/** Runs a trial from a fresh provider to its end, or to the first broken clause. */
export function runTrial(
  module: ProviderModule,
  { size, ops }: Trial,
  onCall?: (op: string) => void,
): TrialResult {
  let world: World | null = null;
  try {
    world = new World(module, size, onCall);
    for (const op of ops) world.apply(op);
    world.finish();
    return { clause: null, message: "", story: world.story, operations: world.operations };
  } catch (error) {
    const [clause, message] = clauseOf(error as Error);
    return { clause, message, story: world?.story ?? [], operations: world?.operations ?? 0 };
  }
}

/** Which clause an error breaks; anything that is not the provider's goes on up. */
export function clauseOf(error: Error): [ClauseName, string] {
  if (error instanceof PluginFault) {
    const known = CLAUSES.find(([name]) => name === error.clause);
    return [known?.[0] ?? "answers", error.message];
  }
  if (error instanceof InvariantViolation) {
    return [CLAUSE_OF[error.invariant] ?? "conservation", error.message];
  }
  throw error;
}

/**
 * Makes a failing trial smaller while it breaks the same clause: operations go in halves, quarters
 * and one by one, then the area shrinks and picks become 0. Every candidate is run, so what comes
 * out fails; nothing in it can be left out alone.
 */
export function shrink(
  module: ProviderModule,
  trial: Trial,
  clause: ClauseName,
  budget: number,
  onCall?: (op: string) => void,
): Trial {
  let best = trial;
  let left = budget;
  const fails = (candidate: Trial) => {
    left--;
    return runTrial(module, candidate, onCall).clause === clause;
  };
  for (let again = true; again && left > 0; ) {
    const before = best;
    best = withFewerOps(best, fails, () => left > 0);
    for (let netmems = 1; netmems < best.size.netmems && left > 0; netmems++) {
      const candidate = { ...best, size: { ...best.size, netmems } };
      if (!fails(candidate)) continue;
      best = candidate;
      break;
    }
    best = withZeroPicks(best, fails, () => left > 0);
    again = best !== before;
  }
  return best;
}

function withFewerOps(
  trial: Trial,
  fails: (candidate: Trial) => boolean,
  goOn: () => boolean,
): Trial {
  let best = trial;
  for (let chunk = Math.max(1, best.ops.length >> 1); chunk >= 1; chunk >>= 1) {
    for (let from = 0; from < best.ops.length && goOn(); ) {
      const ops = [...best.ops.slice(0, from), ...best.ops.slice(from + chunk)];
      const candidate = { ...best, ops };
      if (fails(candidate)) best = candidate;
      else from += chunk;
    }
  }
  return best;
}

function withZeroPicks(
  trial: Trial,
  fails: (candidate: Trial) => boolean,
  goOn: () => boolean,
): Trial {
  let best = trial;
  for (let i = 0; i < best.ops.length && goOn(); i++) {
    if (best.ops[i]![1] === 0) continue;
    const ops = best.ops.map((op, k) => (k === i ? ([op[0], 0] as const) : op));
    if (fails({ ...best, ops })) best = { ...best, ops };
  }
  return best;
}

/** How often the state machine draws each operation. */
const WEIGHTS: ReadonlyArray<readonly [OpName, number]> = [
  ["pool", 6],
  ["alloc", 30],
  ["exhaust", 3],
  ["drop", 8],
  ["deliver", 24],
  ["share", 6],
  ["put", 18],
  ["putNapi", 8],
  ["putAll", 3],
  ["destroy", 5],
  ["retry", 4],
  ["uninstall", 1],
];
const DRAWN = WEIGHTS.flatMap(([name, weight]) => new Array<OpName>(weight).fill(name));
const AREAS = [1, 2, 3, 5, 8, 16, 65, 130, 200];

/** The trial of a seed: its size and up to 60 operations behind the first pool. */
export function randomTrial(seed: number): Trial {
  const prng = new Prng(seed);
  const netmems = AREAS[prng.below(AREAS.length)]!;
  const netmemBytes = 4096 * 2 ** prng.below(3);
  const ring = 2 ** (1 + prng.below(6));
  const ops: Op[] = [["pool", 0]];
  for (let left = 10 + prng.below(50); left > 0; left--) {
    const name = DRAWN[prng.below(DRAWN.length)]!;
    ops.push([name, prng.below(64)]);
  }
  return { size: { netmems, netmemBytes, ring }, ops };
}
