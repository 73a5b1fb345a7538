/** What `--export` writes and `netmem report` makes; src/report/export has one file for each. */
export const EXPORT_FORMATS = [
  "json",
  "ndjson",
  "csv",
  "md",
  "html",
  "hgrm",
  "hlog",
  "junit",
  "ktap",
  "github",
] as const;
/** Name of an export format. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
