import { type ValueScale, valueScale } from "../chart/scale.js";
import { CHART_WIDTH, figure, type Series } from "./figure.js";
import { coordinate, type Markup, text } from "./markup.js";

const TOP = 6;
const BAR = 13;
const GAP = 10;

/** Bars in groups: one group a row, one bar a series. */
export interface BarChart {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly series: readonly Series[];
  readonly rows: ReadonlyArray<{
    readonly label: string;
    readonly values: ReadonlyArray<number | null>;
  }>;
  readonly unit: string;
  /** The value as it stands behind its bar. */
  readonly label: (value: number) => string;
  /** Largest value of the scale; by default that of the rows, on a log scale where they differ. */
  readonly max?: number;
  /** Units of the view box for the rows' labels. */
  readonly labelWidth?: number;
}

/** Horizontal bars, each with its value behind it; no bar where the value is 0. */
export function barFigure(chart: BarChart): Markup {
  const { rows, series, labelWidth = 150 } = chart;
  const right = CHART_WIDTH - 104;
  const width = right - labelWidth;
  const scale = scaleOf(chart);
  const group = series.length * BAR + GAP;
  const marks = rows.map(({ label, values }, row) => {
    const y = TOP + row * group;
    const middle = coordinate(y + (series.length * BAR) / 2);
    const bars = values.map((value, i) => {
      if (value === null) return "";
      const top = y + i * BAR;
      const long = value > 0 ? Math.max(scale.at(value) * width, 2) : 0;
      const end = coordinate(labelWidth + long + 5);
      const mark =
        long === 0
          ? ""
          : `<rect class="bar ${series[i]!.style}" x="${labelWidth}" y="${top + 1}" ` +
            `width="${coordinate(long)}" height="${BAR - 2}"/>`;
      const shown = text(chart.label(value));
      const center = top + BAR / 2;
      return `${mark}<text class="value" x="${end}" y="${center}" dy=".35em">${shown}</text>`;
    });
    const name = `<text class="tick end" x="${labelWidth - 8}" y="${middle}" dy=".35em">`;
    return `${name}${text(label)}</text>${bars.join("")}`;
  });
  const foot = TOP + rows.length * group;
  const base = `<path class="base" d="M${labelWidth} ${TOP - 4}V${foot - GAP + 2}"/>`;
  return figure({
    ...chart,
    height: foot,
    marks: base + marks.join("\n"),
    readout: {
      along: "y",
      at: rows.map((_, row) => TOP + row * group + (series.length * BAR) / 2),
      heads: rows.map(({ label }) => label),
      values: series.map((_, i) => rows.map(({ values }) => values[i] ?? null)),
      unit: chart.unit,
    },
    cursor: [4, CHART_WIDTH - 4],
  });
}

function scaleOf({ rows, max }: BarChart): Pick<ValueScale, "at"> {
  if (max !== undefined) return { at: (value) => Math.min(value / max, 1) };
  const values = rows.flatMap((row) => row.values.filter((value) => (value ?? 0) > 0));
  return valueScale(values.map(Number));
}
