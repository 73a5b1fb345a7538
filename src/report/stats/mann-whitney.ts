import { normalCdf } from "./normal.js";

/** What a test is asked: is `a` different from, larger or smaller than `b`? */
export type Alternative = "two-sided" | "greater" | "less";

/** More samples than this together, and the normal approximation takes over. */
const EXACT_SAMPLES = 80;

/** Null distributions without ties, by `n,m`: probabilities of U from 0 to n * m. */
const untied = new Map<string, Float64Array>();

/**
 * Ranks of the samples of both groups together, doubled so that the mean rank of a tie is whole.
 * The first `a.length` are those of `a`.
 */
export function doubledRanks(a: readonly number[], b: readonly number[]): Int32Array {
  const all = [...a, ...b];
  const order = all.map((_, i) => i).sort((i, j) => all[i]! - all[j]!);
  const ranks = new Int32Array(all.length);
  for (let first = 0; first < order.length; ) {
    let last = first;
    while (last + 1 < order.length && all[order[last + 1]!] === all[order[first]!]) last++;
    // Ranks first+1 to last+1: twice their mean is their sum's ends.
    for (let i = first; i <= last; i++) ranks[order[i]!] = first + last + 2;
    first = last + 1;
  }
  return ranks;
}

/**
 * Mann-Whitney's U of `a` over `b`: pairs in which a's sample is the larger, ties by half.
 *
 * @returns U, and the probability of a U at least as far out if both groups were one: exact over
 *   all ways to share the samples, ties included, up to 80 samples; beyond, the normal
 *   approximation with corrections for ties and continuity.
 */
export function mannWhitney(
  a: readonly number[],
  b: readonly number[],
  alternative: Alternative = "two-sided",
): { readonly u: number; readonly p: number } {
  const n = a.length;
  const m = b.length;
  if (n === 0 || m === 0) throw new RangeError("Mann-Whitney needs samples on both sides");
  const ranks = doubledRanks(a, b);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += ranks[i]!;
  const doubledU = sum - n * (n + 1);
  const u = doubledU / 2;
  if (n + m > EXACT_SAMPLES) return { u, p: approximate(u, n, m, ranks, alternative) };
  const tied = new Set(ranks).size < ranks.length;
  // Without ties U is whole and its distribution the same for all samples of these sizes.
  const p = tied
    ? tailOf(permutations(ranks, n), doubledU, n * m, alternative)
    : tailOf(untiedDistribution(n, m), u, (n * m) / 2, alternative);
  return { u, p };
}

/** Probabilities of U = 0 ... n*m where no samples are tied. */
export function untiedDistribution(n: number, m: number): Float64Array {
  const key = `${n},${m}`;
  const known = untied.get(key);
  if (known !== undefined) return known;
  const ranks = Int32Array.from({ length: n + m }, (_, i) => 2 * (i + 1));
  const doubled = permutations(ranks, n);
  const made = Float64Array.from({ length: n * m + 1 }, (_, u) => doubled[2 * u]!);
  untied.set(key, made);
  return made;
}

/**
 * Probabilities of doubled U under all choices of `n` of the ranks, by adding one rank at a time:
 * ways[k][s] choices of k ranks with sum s.
 */
function permutations(ranks: Int32Array, n: number): Float64Array {
  const m = ranks.length - n;
  let total = 0;
  for (const rank of ranks) total += rank;
  const width = total + 1;
  const ways = new Float64Array((n + 1) * width);
  ways[0] = 1;
  let reached = 0;
  for (const rank of ranks) {
    reached += rank;
    for (let k = n; k >= 1; k--) {
      const from = (k - 1) * width;
      const to = k * width + rank;
      for (let s = reached - rank; s >= 0; s--) ways[to + s]! += ways[from + s]!;
    }
  }
  const made = new Float64Array(2 * n * m + 1);
  let all = 0;
  const least = n * (n + 1);
  for (let u = 0; u < made.length; u++) {
    made[u] = ways[n * width + least + u]!;
    all += made[u]!;
  }
  return made.map((count) => count / all);
}

/** Weight of what lies at least as far out as `at`; `middle` is the distribution's mean. */
function tailOf(
  probabilities: Float64Array,
  at: number,
  middle: number,
  alternative: Alternative,
): number {
  let p = 0;
  const away = Math.abs(at - middle);
  for (let u = 0; u < probabilities.length; u++) {
    const counts =
      alternative === "greater"
        ? u >= at
        : alternative === "less"
          ? u <= at
          : Math.abs(u - middle) >= away;
    if (counts) p += probabilities[u]!;
  }
  return Math.min(1, p);
}

function approximate(
  u: number,
  n: number,
  m: number,
  ranks: Int32Array,
  alternative: Alternative,
): number {
  const all = n + m;
  const ties = new Map<number, number>();
  for (const rank of ranks) ties.set(rank, (ties.get(rank) ?? 0) + 1);
  let tied = 0;
  for (const t of ties.values()) tied += t ** 3 - t;
  const deviation = Math.sqrt(((n * m) / 12) * (all + 1 - tied / (all * (all - 1))));
  if (deviation === 0) return 1;
  const away = u - (n * m) / 2;
  const upper = 1 - normalCdf((away - 0.5) / deviation);
  const lower = normalCdf((away + 0.5) / deviation);
  if (alternative === "greater") return upper;
  if (alternative === "less") return lower;
  return Math.min(1, 2 * Math.min(upper, lower));
}
