/** Columns of a pipe or file: what a person who reads it later most likely has. */
const PIPE_COLUMNS = 80;

/** Characters that a line of an output may have: the terminal's, COLUMNS, or 80. */
export function outputWidth(stream: { readonly columns?: number }): number {
  const asked = Number(process.env.COLUMNS);
  return stream.columns ?? (asked > 0 ? asked : PIPE_COLUMNS);
}
