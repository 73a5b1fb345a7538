import { nearestName } from "./nearest.js";
import type { ExportTarget } from "./replay-config.js";
import { ValueError } from "./value-error.js";

const FORMATS = ["json"] as const;

/**
 * Export targets from `json=a.json` or several joined by commas. A comma that no `FORMAT=` follows
 * belongs to the file's name.
 *
 * @throws ValueError for a missing file name or an unknown format.
 */
export function parseExports(text: string): readonly ExportTarget[] {
  return text.split(/,(?=[a-z]+=)/).map((target) => {
    const at = target.indexOf("=");
    const format = at < 0 ? target : target.slice(0, at);
    const file = at < 0 ? "" : target.slice(at + 1);
    if (!(FORMATS as readonly string[]).includes(format)) {
      const meant = nearestName(format, FORMATS) ?? FORMATS[0];
      throw new ValueError(
        `names an unknown format ${format}: write ${meant}=FILE (formats: ${FORMATS.join(", ")})`,
      );
    }
    if (file === "") throw new ValueError(`needs a file name: write ${format}=FILE`);
    return { format: format as ExportTarget["format"], file };
  });
}
