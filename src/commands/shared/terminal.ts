import type { Face } from "../../report/chart/face.js";

const DEFAULT_COLUMNS = 80;
const MAX_COLUMNS = 200;

/** Columns of a terminal; no limit where the output is none. */
export function terminalWidth(stream: { readonly columns?: number }): number {
  return stream.columns ?? Number.POSITIVE_INFINITY;
}

/**
 * What a chart may use of an output: its width, COLUMNS or 80 where it has none, and block
 * characters only where the locale is UTF-8.
 */
export function terminalFace(stream: { readonly columns?: number }): Face {
  const { COLUMNS, LC_ALL, LC_CTYPE, LANG, TERM } = process.env;
  const told = Number(COLUMNS);
  const width = stream.columns ?? (told > 0 ? told : DEFAULT_COLUMNS);
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "");
  const blocks = /utf-?8/i.test(locale ?? "") && TERM !== "dumb";
  return { width: Math.min(Math.max(width, 40), MAX_COLUMNS), blocks };
}
