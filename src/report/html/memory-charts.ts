import { toDouble } from "../../replay/record/json-number.js";
import { POOL_COUNTERS, POOL_STATS } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { grouped, humanBytes, percent } from "../table/numbers.js";
import { runName } from "../table/run-name.js";
import { barFigure } from "./bars.js";
import { runSeries } from "./figure.js";
import { beside, folded, type Markup, section, table } from "./markup.js";

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const providersOf = (runs: readonly RunRecord[]) => runs.map(runName);

/** Recycle rates and the eleven page_pool statistics. */
export function poolSection({ runs }: NetmemRecord, id: string): Markup {
  const series = runSeries(providersOf(runs));
  const rates = [
    { label: "recycling", values: runs.map((run) => run.recycle.recyclingPct) },
    { label: "end to end", values: runs.map((run) => run.recycle.endToEndPct) },
  ];
  const counters = POOL_STATS.map((name) => ({
    label: snake(name),
    values: runs.map((run) => toDouble(run.pool[name])),
  }));
  const spoken = rates.map(
    ({ label, values }) =>
      `${label}: ${values.map((value, i) => `${runName(runs[i]!)} ${percent(value)}`).join(", ")}`,
  );
  const rateFigure = barFigure({
    id: `${id}-recycle`,
    title: "Recycle rates",
    description: `${spoken.join(". ")}.`,
    series,
    rows: rates,
    unit: "%",
    label: percent,
    max: Math.max(100, ...rates.flatMap(({ values }) => values.map((value) => value ?? 0))),
    labelWidth: 90,
  });
  const counterFigure = barFigure({
    id: `${id}-counters`,
    title: "The eleven page_pool statistics",
    description: `${providersOf(runs).join(", ")}: ${counters
      .map(({ label, values }) => `${label} ${values.map(grouped).join(", ")}`)
      .join("; ")}.`,
    series,
    rows: counters,
    unit: "",
    label: grouped,
    labelWidth: 176,
  });
  const note =
    '<p class="soft">recycling as ynltool has it: (ring + cached) / (fast + refill + slow); ' +
    "end to end: given back / handed out. Bars of counters are on a log scale where counters " +
    "differ much.</p>";
  return section(
    `${id}-pool`,
    "Page pool",
    beside(`<div>${rateFigure}${counterFigure}${note}</div>`, poolTable(runs)),
  );
}

function poolTable(runs: readonly RunRecord[]): Markup {
  const rates = [
    ["recycling", ...runs.map((run) => percent(run.recycle.recyclingPct))],
    ["end to end", ...runs.map((run) => percent(run.recycle.endToEndPct))],
  ];
  const rows = POOL_COUNTERS.map((name) => [
    snake(name),
    ...runs.map((run) => grouped(run.pool[name])),
  ]);
  const head = ["", ...providersOf(runs)];
  return table("page pool: rates and counters", head, [...rates, ...rows]);
}

/** What the application got without a copy, and why the rest was copied. */
export function copySection({ runs }: NetmemRecord, id: string): Markup {
  const reasons = [...new Set(runs.flatMap((run) => Object.keys(run.copy.byReason)))];
  const rows = [
    { label: "by reference", values: runs.map((run) => toDouble(run.reference.bytes)) },
    ...reasons.map((reason) => ({
      label: `copied: ${reason}`,
      values: runs.map((run) => toDouble(run.copy.byReason[reason] ?? 0)),
    })),
  ];
  const spoken = runs.map(
    (run) =>
      `${runName(run)}: ${grouped(run.reference.bytes)} bytes by reference, ` +
      `${grouped(run.copy.bytes)} copied`,
  );
  const head = ["", ...providersOf(runs)];
  const cells = rows.map(({ label, values }) => [label, ...values.map(grouped)]);
  const sums = ["copied in all", ...runs.map((run) => grouped(run.copy.bytes))];
  return section(
    `${id}-copies`,
    "Copies",
    beside(
      barFigure({
        id: `${id}-copy`,
        title: "Payload by the way it took to the application",
        description: `${spoken.join(". ")}.`,
        series: runSeries(providersOf(runs)),
        rows,
        unit: "bytes",
        label: humanBytes,
        max: Math.max(...rows.flatMap(({ values }) => values), 1),
      }),
      table("payload, bytes", head, [...cells, sums]),
    ),
  );
}

/** Packets that reached no application, by reason. */
export function dropSection({ runs }: NetmemRecord, id: string): Markup {
  const reasons = [...new Set(runs.flatMap((run) => Object.keys(run.drops)))];
  if (reasons.length === 0) {
    return section(`${id}-drops`, "Drops", "<p>No packet was dropped.</p>");
  }
  const of = (run: RunRecord, reason: string) => toDouble(run.drops[reason] ?? 0);
  const most = (reason: string) => Math.max(...runs.map((run) => of(run, reason)));
  reasons.sort((a, b) => most(b) - most(a) || (a < b ? -1 : 1));
  const rows = reasons.map((label) => ({ label, values: runs.map((run) => of(run, label)) }));
  return section(
    `${id}-drops`,
    "Drops",
    beside(
      barFigure({
        id: `${id}-drop`,
        title: "Packets dropped, by reason",
        description: rows.map(({ label, values }) => `${label}: ${values.join(", ")}`).join(". "),
        series: runSeries(providersOf(runs)),
        rows,
        unit: "packets",
        label: grouped,
        labelWidth: 190,
      }),
      table(
        "packets dropped",
        ["", ...providersOf(runs)],
        rows.map(({ label, values }) => [label, ...values.map(grouped)]),
      ),
    ),
  );
}

/** Counters that only experts ask for, folded. */
export function counterSection({ runs }: NetmemRecord): Markup {
  const head = ["", ...providersOf(runs)];
  const named = (caption: string, of: (run: RunRecord) => Record<string, number | string>) => {
    const names = [...new Set(runs.flatMap((run) => Object.keys(of(run))))].sort();
    const rows = names.map((name) => [name, ...runs.map((run) => grouped(of(run)[name] ?? 0))]);
    return rows.length === 0 ? "" : table(caption, head, rows);
  };
  return folded(
    "TCP and driver counters",
    beside(
      named("TCP (MIB)", (run) => run.tcp),
      named("driver", (run) => run.driver),
    ),
  );
}
