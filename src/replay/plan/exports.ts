import { EXPORT_FORMATS, type ExportFormat } from "../record/export-formats.js";
import { nearestName } from "./nearest.js";
import type { ExportTarget } from "./replay-config.js";
import { ValueError } from "./value-error.js";

/**
 * Export targets from `json=a.json` or several joined by commas. A comma that no `FORMAT=` follows
 * belongs to the file's name. At most one target is `-`, standard output.
 *
 * @throws ValueError for a missing file name, an unknown format, or a file that two would write.
 */
export function parseExports(text: string): readonly ExportTarget[] {
  const targets = text.split(/,(?=[a-z]+=)/).map(parseExport);
  const files = targets.map(({ file }) => file);
  const twice = files.find((file, i) => files.indexOf(file) !== i);
  if (twice !== undefined) throw new ValueError(`writes ${shown(twice)} twice`);
  return targets;
}

function parseExport(target: string): ExportTarget {
  const at = target.indexOf("=");
  const format = at < 0 ? target : target.slice(0, at);
  const file = at < 0 ? "" : target.slice(at + 1);
  if (!(EXPORT_FORMATS as readonly string[]).includes(format)) {
    const meant = nearestName(format, EXPORT_FORMATS) ?? EXPORT_FORMATS[0];
    const known = EXPORT_FORMATS.join(", ");
    throw new ValueError(
      `names an unknown format ${format}: write ${meant}=FILE (formats: ${known})`,
    );
  }
  if (file === "") throw new ValueError(`needs a file name: write ${format}=FILE`);
  return { format: format as ExportFormat, file };
}

function shown(file: string): string {
  return file === "-" ? "standard output" : file;
}
