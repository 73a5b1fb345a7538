import {
  RaceExploration,
  type RaceFailure,
  type RaceVerdict,
  replayRace,
} from "../../engine/race/explore-race.js";
import { EXIT, NetmemError } from "../error.js";
import { hostNowNs } from "../measure/timer.js";
import type { ExplorePlan } from "../plan/explore-plan.js";
import {
  EXPLORE_SCHEMA,
  type Exploration,
  type ExploreDocument,
  type ExploreFailure,
  type ScheduleDocument,
} from "../record/explore-document.js";
import { countOrText } from "./count-or-text.js";

/** What an exploration tells and asks while it runs. */
export interface ExploreHooks {
  readonly signal: AbortSignal;
  /** Told before each pair. */
  onPair?(done: number, of: number, pair: string): void;
}

/** A document and the exit code that goes with it. */
export interface ExploreResult<T> {
  readonly document: T;
  readonly exitCode: number;
}

/**
 * Explores every pair of a plan, under today's rules, with rules put back, or both. Exit code 0
 * when all came out as expected (survived, or found), 7 otherwise.
 */
export async function runExplore(
  plan: ExplorePlan,
  hooks: ExploreHooks,
): Promise<ExploreResult<ExploreDocument>> {
  const { runs } = plan;
  const explorations: Exploration[] = [];
  const started = hostNowNs();
  const random = { schedules: 0, ns: 0 };
  for (const [done, { pair, regress }] of runs.entries()) {
    hooks.onPair?.(done, runs.length, pair);
    await new Promise((resolve) => setImmediate(resolve));
    if (hooks.signal.aborted) break;
    const from = hostNowNs();
    const exploration = new RaceExploration(pair, { ...plan, regress });
    while (!exploration.done && !hooks.signal.aborted) {
      exploration.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const verdict = exploration.verdict();
    random.schedules += verdict.random.schedules;
    if (verdict.random.schedules > 0) random.ns += hostNowNs() - from;
    explorations.push(explorationOf(verdict, plan));
  }
  const asExpected = explorations.filter((each) => each.asExpected).length;
  const perMinute = random.ns > 0 ? Math.round((random.schedules / random.ns) * 60e9) : null;
  const document: ExploreDocument = {
    schema: EXPLORE_SCHEMA,
    reproduce: reproduceLine(plan),
    plan: {
      pairs: plan.pairs,
      rows: plan.rows,
      regress: plan.regress,
      size: plan.size,
      bound: plan.maxStates,
      random: plan.random,
      seed: plan.seed,
    },
    explorations,
    summary: {
      explored: explorations.length,
      asExpected,
      states: explorations.reduce((sum, each) => sum + each.states, 0),
      schedulesRun: random.schedules,
      interrupted: hooks.signal.aborted,
    },
    host: { elapsedNs: Math.round(hostNowNs() - started), schedulesPerMinute: perMinute },
  };
  return { document, exitCode: asExpected === explorations.length ? EXIT.done : EXIT.violated };
}

/**
 * Replays the one schedule of a plan. Exit code 7 if it breaks a rule.
 *
 * @throws NetmemError NETMEM_USAGE for a schedule that the pair cannot follow.
 */
export function runSchedule(plan: ExplorePlan): ExploreResult<ScheduleDocument> {
  const [pair] = plan.pairs;
  const regress = plan.regress[0] ?? "";
  try {
    const run = replayRace(pair!, plan.schedule!, { size: plan.size, regress });
    const failure = run.failure === null ? null : failureOf(run.failure, pair!, regress);
    const reproduce = replayLine(pair!, regress, plan.size, plan.schedule!);
    const { size } = plan;
    const { steps, complete } = run;
    return {
      document: {
        schema: EXPLORE_SCHEMA,
        reproduce,
        pair: pair!,
        regress,
        size,
        steps,
        complete,
        failure,
      },
      exitCode: failure === null ? EXIT.done : EXIT.violated,
    };
  } catch (error) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${pair} cannot follow this schedule: ${(error as Error).message}`,
      "Give the same --size and --regress as the run that printed it.",
    );
  }
}

function explorationOf(verdict: RaceVerdict, plan: ExplorePlan): Exploration {
  const { failure, covered, ...rest } = verdict;
  const survived = failure === null && verdict.complete;
  return {
    ...rest,
    covered: countOrText(covered),
    failure: failure === null ? null : failureOf(failure, verdict.pair, verdict.regress),
    // Beyond the bound only random schedules looked: no failure is all that can be said then.
    asExpected:
      verdict.regress === "" ? survived || (failure === null && plan.random > 0) : failure !== null,
  };
}

function failureOf(failure: RaceFailure, pair: string, regress: string): ExploreFailure {
  const { size, schedule } = failure;
  return { ...failure, replay: replayLine(pair, regress, size, schedule) };
}

function replayLine(
  pair: string,
  regress: string,
  size: number,
  schedule: readonly string[],
): string {
  const rule = regress === "" ? "" : ` --regress ${regress}`;
  return `netmem explore ${pair}${rule} --size ${size} --schedule ${schedule.join(",")}`;
}

function reproduceLine(plan: ExplorePlan): string {
  const asked = plan.asked === "" ? "" : ` ${plan.asked}`;
  const bounds = `--size ${plan.size} --bound ${plan.maxStates} --random ${plan.random}`;
  return `netmem explore${asked} ${bounds} --seed ${plan.seed}`;
}
