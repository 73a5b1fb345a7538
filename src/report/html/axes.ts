import type { ValueScale } from "../chart/scale.js";
import { grouped, humanTime } from "../table/numbers.js";
import { CHART_WIDTH } from "./figure.js";
import { coordinate, type Markup, text } from "./markup.js";

/** The part of a view box in which values are drawn. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** An area with room for labels on the left and below. */
export function plotArea(top: number, bottom: number, left = 58): Area {
  return { left, right: CHART_WIDTH - 14, top, bottom };
}

/** Height of a value in an area. */
export function heightAt({ top, bottom }: Area, scale: ValueScale, value: number): number {
  return bottom - scale.at(value) * (bottom - top);
}

/** A time at a tick: never in minutes, whose ticks would not be round. */
export function axisTime(ns: number): string {
  return ns < 60e9 ? humanTime(ns) : `${grouped(Math.round(ns / 1e9))}s`;
}

/** Lines across an area at the ticks of a scale, with their labels on the left. */
export function valueAxis(area: Area, scale: ValueScale, label: (value: number) => string): Markup {
  return scale.ticks
    .map((tick) => {
      const y = coordinate(heightAt(area, scale, tick));
      const shown = text(label(tick));
      return (
        `<path class="grid" d="M${area.left} ${y}H${area.right}"/>` +
        `<text class="tick end" x="${area.left - 6}" y="${y}" dy=".35em">${shown}</text>`
      );
    })
    .join("");
}

/** Labels below an area; the first and the last stay within the drawing. */
export function placeAxis(
  area: Area,
  ticks: ReadonlyArray<{ readonly x: number; readonly label: string }>,
): Markup {
  return ticks
    .map(({ x, label }) => {
      const half = label.length * 3.4;
      const anchor = x + half > CHART_WIDTH ? " end" : "";
      const at = coordinate(anchor === "" ? x : CHART_WIDTH - 2);
      const y = area.bottom + 16;
      return (
        `<path class="grid" d="M${coordinate(x)} ${area.bottom}v4"/>` +
        `<text class="tick mid${anchor}" x="${at}" y="${y}">${text(label)}</text>`
      );
    })
    .join("");
}
