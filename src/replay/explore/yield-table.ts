import { exploreRace } from "../../engine/race/explore-race.js";
import { buildRace, RACE_PAIRS } from "../../engine/race/pairs.js";
import { type YieldPoint, yieldPoints } from "../../engine/race/yield-points.js";

/** Size of the model whose yield points are listed. */
const LISTED_SIZE = 2;
/** Random schedules that are watched for it. */
const WATCHED = 2000;

/**
 * The tables of docs/explore.md in Markdown: every pair with its states, then the yield points of
 * each, with the shared word that each step was seen to touch.
 */
export function exploreMarkdown(): string {
  const head = [
    "| pair | what | yield points | states | interleavings | rules to put back |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  const rows: string[] = [];
  const lists: string[] = [];
  for (const pair of RACE_PAIRS) {
    const points = yieldPoints(buildRace(pair, LISTED_SIZE, ""), WATCHED, 1);
    const reached = points.filter(({ most }) => most >= 0);
    const verdict = exploreRace(pair.id, { random: 0 });
    const rules = pair.regressions.map(({ id, title }) => `${id}: ${title}`).join("; ");
    const states = `${verdict.states} (size ${verdict.size})`;
    const covered = many(verdict.covered);
    const cells = [`\`${pair.id}\``, pair.title, `${reached.length}`, states, covered, rules];
    rows.push(`| ${cells.join(" | ")} |`);
    lists.push(`### ${pair.id}`, "", ...pointRows(reached), "");
  }
  return [...head, ...rows, "", ...lists].join("\n").trimEnd();
}

/** One row a yield point of an actor; a row for each place where it comes, rounds folded. */
function pointRows(points: readonly YieldPoint[]): string[] {
  const folded = new Map<string, { times: number; words: Set<string>; point: YieldPoint }>();
  for (const point of points) {
    const key = `${point.actor.replace(/\d+$/, "")} ${point.point}`;
    const row = folded.get(key) ?? { times: 0, words: new Set<string>(), point };
    row.times++;
    for (const word of point.words) row.words.add(word.replace(/\[\d+\]$/, "[]"));
    folded.set(key, row);
  }
  const rows = [...folded.values()].map(({ times, words, point }) => {
    const actor = point.actor.replace(/\d+$/, "");
    const cells = [actor, `\`${point.kernel}\``, point.point, `${times}`, [...words].join(", ")];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| actor | kernel function | yield point | places | shared word |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ];
}

function many(count: number): string {
  return count < 1e6 ? String(count) : count.toExponential(1).replace("e+", "e");
}
