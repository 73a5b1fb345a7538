/** Whether and how a stream shows colour. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], yellow: [33, 39], green: [32, 39] };

/** Colour by ANSI codes, or none at all. */
export function makeStyle(colour: boolean): Style {
  const paint = ([on, off]: readonly number[]) =>
    colour ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : (text: string) => text;
  return {
    bold: paint(CODES.bold),
    dim: paint(CODES.dim),
    red: paint(CODES.red),
    yellow: paint(CODES.yellow),
    green: paint(CODES.green),
  };
}

/**
 * The style of one output stream: NO_COLOR (not empty) forbids colour, then FORCE_COLOR asks for
 * it (0 or false forbids), then a terminal that is not dumb has it.
 */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return makeStyle(false);
  if (FORCE_COLOR !== undefined) return makeStyle(FORCE_COLOR !== "0" && FORCE_COLOR !== "false");
  return makeStyle(stream.isTTY === true && TERM !== "dumb");
}
