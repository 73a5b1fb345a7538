import { exploreRace, pairsOf, type RaceVerdict } from "../../engine/race/explore-race.js";
import { buildRace } from "../../engine/race/pairs.js";
import { countOrText } from "../explore/count-or-text.js";
import type { FaultExplored, FaultPair } from "../record/fault-schema.js";

/** Explorations under today's rules, by pair: rows share pairs. */
export type TodayByPair = Map<string, RaceVerdict>;

/** The pairs of kernel functions that find a row which is a race; none for other rows. */
export function pairsOfRow(id: string): FaultPair[] {
  return pairsOf(id).map((pair) => {
    const { actors } = buildRace(pair, 1, "");
    return {
      pair: pair.id,
      title: pair.title,
      functions: [...new Set(actors.map(({ kernel }) => kernel))],
    };
  });
}

/**
 * Explores a row that is a race: every schedule of its pairs' models under today's rules, then with
 * its bug put back up to the shortest schedule that shows it. Null for a row that is no race. A
 * stage plays one interleaving; this says of all whether they hold.
 */
export function exploreRow(id: string, today: TodayByPair): FaultExplored[] | null {
  const pairs = pairsOf(id);
  if (pairs.length === 0) return null;
  return pairs.map((pair) => {
    const clean = today.get(pair.id) ?? exploreRace(pair.id, { random: 0 });
    today.set(pair.id, clean);
    const put = exploreRace(pair.id, { random: 0, regress: id });
    return {
      pair: pair.id,
      size: clean.size,
      states: clean.states,
      schedules: countOrText(clean.covered),
      survived: clean.failure === null && clean.complete,
      found:
        put.failure === null
          ? null
          : {
              size: put.failure.size,
              steps: put.failure.schedule.length,
              text: put.failure.text,
              owner: put.failure.owner,
              transition: put.failure.transition,
            },
    };
  });
}

/** Whether a row's exploration came out as it must: all schedules survive, the bug is found. */
export function exploredAsExpected(explored: readonly FaultExplored[] | null): boolean {
  return explored === null || explored.every(({ survived, found }) => survived && found !== null);
}
