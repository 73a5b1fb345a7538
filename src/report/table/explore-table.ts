import type {
  Exploration,
  ExploreDocument,
  ExploreFailure,
  ExploreStep,
  ScheduleDocument,
} from "../../replay/record/explore-document.js";
import { grid } from "./grid.js";
import { counted, countShort, grouped, humanRate, humanTime } from "./numbers.js";
import type { Style } from "./style.js";

/** An exploration as a person reads it, 80 columns wide. */
export function exploreTable(document: ExploreDocument, style: Style): string {
  const { plan, explorations, summary, host } = document;
  const today = explorations.some(({ regress }) => regress === "");
  const rules = [
    ...(today || plan.regress.length === 0 ? ["today's rules"] : []),
    ...(plan.regress.length === 0 ? [] : [`rules put back: ${listed(plan)}`]),
  ].join("; ");
  const rows = explorations.map((each) => rowOf(each, style));
  const head = ["  pair", "rule", "states", "interleavings", "random", "verdict"].map(style.dim);
  const table = grid([head, ...rows], ["left", "left", "right", "right", "right", "left"]);
  const rate = host.schedulesPerMinute;
  const speed = rate === null ? "" : `, ${humanRate(rate)} random schedules a minute`;
  const sum = `${summary.asExpected} of ${counted(summary.explored, "exploration")} as expected`;
  const lines = [
    `${style.bold("explore")} ${counted(plan.pairs.length, "pair")}, ${rules}`,
    "",
    table,
    "",
    `${sum}; ${counted(summary.states, "state")}, ${humanTime(host.elapsedNs)}${speed}`,
    ...(summary.interrupted ? [style.yellow("interrupted: the rest was not explored")] : []),
  ];
  const failures = explorations.filter(({ failure }) => failure !== null);
  for (const each of failures) lines.push("", ...failureLines(each.pair, each.failure!, style));
  return lines.join("\n");
}

/** One schedule, step by step. */
export function scheduleTable(document: ScheduleDocument, style: Style): string {
  const { pair, regress, size, steps, failure, complete } = document;
  const rule = regress === "" ? "today's rules" : `rule put back: ${regress}`;
  const end = complete ? "every actor is done or waits" : "the schedule ends before its actors do";
  const verdict =
    failure === null ? [style.green(`no rule broken; ${end}`)] : broken(failure, style);
  return [
    `${style.bold(`explore ${pair}`)} size ${size}, ${rule}`,
    "",
    stepLines(steps),
    "",
    ...verdict,
  ].join("\n");
}

function listed(plan: ExploreDocument["plan"]): string {
  const shown = plan.regress.slice(0, 8).join(", ");
  return plan.regress.length > 8 ? `${shown} and ${plan.regress.length - 8} more` : shown;
}

function rowOf(each: Exploration, style: Style): string[] {
  const { pair, regress, states, covered, random, complete, failure, asExpected } = each;
  const found = failure === null ? (complete ? "survives" : "bound reached") : "found";
  const text = regress === "" && failure !== null ? "broken" : found;
  const paint = asExpected
    ? complete || failure !== null
      ? style.green
      : style.yellow
    : style.red;
  return [
    `  ${pair}`,
    regress === "" ? "-" : regress,
    grouped(states),
    failure !== null || !complete ? "-" : countShort(covered),
    random.schedules === 0 ? "-" : grouped(random.schedules),
    paint(regress !== "" && failure === null ? "NOT FOUND" : text),
  ];
}

function failureLines(pair: string, failure: ExploreFailure, style: Style): string[] {
  const kind = failure.shortest ? "shortest schedule" : "schedule";
  return [
    `${style.bold(pair)} ${kind}, ${counted(failure.schedule.length, "step")}:`,
    stepLines(failure.steps),
    ...broken(failure, style),
    `  ${failure.replay}`,
  ];
}

function broken(failure: ExploreFailure, style: Style): string[] {
  const by = failure.owner === "none" ? "" : `owner ${failure.owner}; `;
  return [
    style.red(`  broken: ${failure.text} (invariant ${failure.invariant})`),
    `  ${by}${failure.transition}`,
  ];
}

function stepLines(steps: readonly ExploreStep[]): string {
  const rows = steps.map(({ actor, kernel, point }, i) => [`  ${i + 1}`, actor, kernel, point]);
  return grid(rows, ["right", "left", "left", "left"]);
}
