import { FAULT_IDS } from "../../engine/fault/ids.js";
import { DEFAULT_BOUNDS, pairsOf, type RaceBounds } from "../../engine/race/explore-race.js";
import { RACE_PAIRS } from "../../engine/race/pairs.js";
import { NetmemError } from "../error.js";
import { nearestName } from "./nearest.js";
import { ValueError } from "./value-error.js";
import { wholeNumber } from "./values.js";
import { readYaml } from "./yaml-file.js";

const CHECK = "Check the plan file.";
const KIND = { name: "plan", whenUnreadable: CHECK, whenMalformed: CHECK };

/** What `netmem explore` is asked for, as text from the command line. */
export interface ExploreAsked {
  /** Pairs and rows of the fault catalogue by commas, a plan file, or undefined for every pair. */
  readonly plan?: string;
  /** Rules put back: `F1`, several by commas, or `all`. */
  readonly regress?: string;
  readonly size?: string;
  readonly bound?: string;
  readonly random?: string;
  readonly seed?: string;
  /** Actor names by commas: replay this schedule. */
  readonly schedule?: string;
}

/** One exploration: a pair under today's rules (`regress` empty), or with one put back. */
export interface ExploreRun {
  readonly pair: string;
  readonly regress: string;
}

/** What is to be explored. */
export interface ExplorePlan extends RaceBounds {
  readonly pairs: readonly string[];
  /** Rows of the fault catalogue that were named (`F1`), each with and without its bug. */
  readonly rows: readonly string[];
  /** Rules put back, each in the pairs that know it; empty for today's rules. */
  readonly regress: readonly string[];
  /** In the order of the pairs, each under today's rules before one is put back. */
  readonly runs: readonly ExploreRun[];
  readonly schedule: readonly string[] | null;
  /** What names pairs, rows and rules on a command line that asks for the same. */
  readonly asked: string;
}

/** Names of all pairs, in the order of the table. */
export const PAIR_NAMES: readonly string[] = RACE_PAIRS.map((pair) => pair.id);

/** Largest model, most states and most random schedules that may be asked for. */
const LIMITS = { size: [1, 12], bound: [1, 5_000_000], random: [0, 1e9], seed: [0, 2 ** 32 - 1] };
type Figure = keyof typeof LIMITS;
const FIGURES = Object.keys(LIMITS) as Figure[];

/**
 * Resolves a plan: flags beat the plan file, which beats the defaults.
 *
 * @throws NetmemError NETMEM_USAGE or NETMEM_CONFIG for what cannot be explored.
 */
export async function resolveExplorePlan(asked: ExploreAsked): Promise<ExplorePlan> {
  const file = isFile(asked.plan) ? await readPlanFile(asked.plan) : {};
  const named = asked.plan === undefined || isFile(asked.plan) ? file.pairs : asked.plan;
  const texts = { ...file, ...definedOf(asked) };
  const words = wordsOf(named);
  const rows = words.filter(isRow);
  const known = pairsOfWords(words);
  const given = regressionsOf(texts.regress, known);
  const pairs = knowing(known, given);
  const runs = runsOf(words, pairs, given);
  const regress = given.length > 0 ? given : rows;
  const [size, bound, random, seed] = FIGURES.map((name) => figure(name, texts[name]));
  const schedule = asked.schedule?.split(",").map((word) => word.trim()) ?? null;
  if (schedule !== null && (pairs.length !== 1 || regress.length > 1)) {
    throw usage("--schedule needs one pair and at most one --regress", "Name the pair first.");
  }
  return {
    pairs,
    rows,
    regress,
    runs,
    schedule,
    asked: [words.join(","), given.length > 0 ? `--regress ${given.join(",")}` : ""]
      .filter((part) => part !== "")
      .join(" "),
    size: size ?? DEFAULT_BOUNDS.size,
    maxStates: bound ?? DEFAULT_BOUNDS.maxStates,
    random: random ?? DEFAULT_BOUNDS.random,
    seed: seed ?? DEFAULT_BOUNDS.seed,
  };
}

function isFile(plan: string | undefined): plan is string {
  return plan !== undefined && /[./\\]/.test(plan);
}

function definedOf(asked: ExploreAsked): Record<string, string> {
  const given = Object.entries(asked).filter(([, text]) => text !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

/** A plan file: a map with pairs, regress, size, bound, random and seed, YAML or JSON. */
async function readPlanFile(path: string): Promise<Record<string, string>> {
  const [file, { valueMapOf }] = await Promise.all([
    readYaml(path, KIND),
    import("./value-map.js"),
  ]);
  const known = ["pairs", "regress", ...FIGURES];
  const map = valueMapOf(file.plain() ?? {}, known);
  if ("texts" in map) return definedOf(map.texts);
  const wrong = map.wrong === "map" ? "not a map" : `${map.key} is not known or not a value`;
  throw new NetmemError("NETMEM_CONFIG", `plan ${path}: ${wrong}`, `Known: ${known.join(", ")}.`);
}

/** Pairs and rows as they are named; none for every pair. */
function wordsOf(text: string | undefined): readonly string[] {
  if (text === undefined || text === "all") return [];
  const names = [...new Set(text.split(",").map((word) => word.trim()))];
  return names.map((name) => (/^f\d+$/i.test(name) ? rowOf(name.toUpperCase()) : pairOf(name)));
}

function isRow(word: string): boolean {
  return /^F\d+$/.test(word);
}

/** A row of the catalogue that is a race. */
function rowOf(id: string): string {
  if (!FAULT_IDS.includes(id))
    throw usage(`the catalogue has no row ${id}`, "See netmem fault list.");
  if (pairsOf(id).length > 0) return id;
  const races = FAULT_IDS.filter((each) => pairsOf(each).length > 0).join(", ");
  throw usage(`${id} is no race`, `netmem fault run ${id} stages it. Races are ${races}.`);
}

function pairOf(name: string): string {
  if (PAIR_NAMES.includes(name)) return name;
  const meant = nearestName(name, PAIR_NAMES);
  const hint = meant === undefined ? `Pairs: ${PAIR_NAMES.join(", ")}.` : `Did you mean ${meant}?`;
  throw usage(`no race pair ${name}`, hint);
}

/** The pairs that words stand for: a row for each that finds it. */
function pairsOfWords(words: readonly string[]): readonly string[] {
  if (words.length === 0) return PAIR_NAMES;
  return [...new Set(words.flatMap(pairsOfWord))];
}

function pairsOfWord(word: string): readonly string[] {
  return isRow(word) ? pairsOf(word).map(({ id }) => id) : [word];
}

/** A pair that was named under the rules given, or today's; a row with and without its bug. */
function runsOf(
  words: readonly string[],
  pairs: readonly string[],
  given: readonly string[],
): readonly ExploreRun[] {
  const rows = given.length > 0 ? [] : words.filter(isRow);
  return pairs.flatMap((pair) => {
    const known = RACE_PAIRS.find(({ id }) => id === pair)!.regressions.map(({ id }) => id);
    const put = [...given, ...rows].filter((id) => known.includes(id));
    return [...(given.length > 0 ? [] : [""]), ...put].map((regress) => ({ pair, regress }));
  });
}

function regressionsOf(text: string | undefined, pairs: readonly string[]): readonly string[] {
  if (text === undefined || text === "") return [];
  const of = RACE_PAIRS.filter((pair) => pairs.includes(pair.id));
  const known = [...new Set(of.flatMap((pair) => pair.regressions.map(({ id }) => id)))];
  if (text === "all") return known;
  const names = [...new Set(text.split(",").map((word) => word.trim()))];
  for (const name of names) {
    if (!known.includes(name)) {
      const those = pairs.length === 1 ? `${pairs[0]} has` : "the pairs have";
      throw usage(`no rule ${name} to put back`, `Here ${those} ${known.join(", ")}.`);
    }
  }
  return names;
}

/** Of the pairs those that know one of the rules put back; all of them under today's rules. */
function knowing(pairs: readonly string[], regress: readonly string[]): readonly string[] {
  if (regress.length === 0) return pairs;
  return RACE_PAIRS.filter(
    (pair) => pairs.includes(pair.id) && pair.regressions.some(({ id }) => regress.includes(id)),
  ).map((pair) => pair.id);
}

function figure(name: Figure, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [min, max] = LIMITS[name] as [number, number];
  try {
    return wholeNumber(min, max)(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw usage(`${name} ${error.message}`, "See netmem explore --help.");
  }
}

function usage(message: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", message, suggestion);
}
