import { coordinate, jsonScript, type Markup, text } from "./markup.js";

/** Units of every chart's view box; text in it is written for this size. */
export const CHART_WIDTH = 480;

/** One series of a chart. */
export interface Series {
  readonly name: string;
  /** CSS class with its colour: `p0` to `p5` for runs, `o-` and the name for owners. */
  readonly style: string;
}

/** What is told of a chart when a pointer or the keyboard asks for one place of it. */
export interface Readout {
  /** `x`: places lie beside each other; `y`: below each other. */
  readonly along: "x" | "y";
  /** Where each place lies, in units of the view box, ascending. */
  readonly at: readonly number[];
  /** What each place is called. */
  readonly heads: readonly string[];
  /** A row a series, a value a place; null where a series has none. */
  readonly values: ReadonlyArray<ReadonlyArray<number | null>>;
  readonly unit: string;
}

/** A chart as it stands on the page. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What the chart shows, for those who do not see it; figures included. */
  readonly description: string;
  readonly height: number;
  readonly series: readonly Series[];
  /** What is drawn. */
  readonly marks: Markup;
  readonly readout: Readout;
  /** Top and bottom, or left and right, of the line that shows the place. */
  readonly cursor: readonly [from: number, to: number];
}

/**
 * A figure: heading, legend, drawing, and the figures behind it for the page's script. The drawing
 * takes the keyboard: arrows move from place to place.
 */
export function figure(chart: Figure): Markup {
  const { id, title, description, height, series, marks, readout, cursor } = chart;
  const [from, to] = cursor;
  const line =
    readout.along === "x"
      ? `<line class="cursor" x1="0" x2="0" y1="${from}" y2="${to}"/>`
      : `<line class="cursor" y1="0" y2="0" x1="${from}" x2="${to}"/>`;
  return (
    `<figure class="chart" id="${id}"><figcaption>${text(title)}</figcaption>\n` +
    `${legend(series)}<div class="plot">` +
    `<svg viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" tabindex="0" ` +
    `aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${text(title)}</title>` +
    `<desc id="${id}-d">${text(description)}</desc>\n${marks}\n${line}</svg>` +
    `<div class="tip" role="status"></div></div>\n${jsonScript(scriptData(chart))}</figure>\n`
  );
}

function legend(series: readonly Series[]): Markup {
  if (series.length < 2) return "";
  const items = series.map(
    ({ name, style }) => `<li><i class="key ${style}"></i>${text(name)}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>\n`;
}

/** The figures behind a chart, short keys: `a`long, places, heads, series, styles, values, unit. */
function scriptData({ readout, series }: Figure): unknown {
  const { along, at, heads, values, unit } = readout;
  return {
    a: along,
    p: at.map((place) => Number(coordinate(place))),
    h: heads,
    n: series.map(({ name }) => name),
    c: series.map(({ style }) => style),
    v: values,
    u: unit,
  };
}

/** The classes of runs, by their places in the record: all of them where none are said. */
export function runSeries(names: readonly string[], places?: readonly number[]): Series[] {
  return names.map((name, i) => ({ name, style: `p${(places?.[i] ?? i) % 6}` }));
}
