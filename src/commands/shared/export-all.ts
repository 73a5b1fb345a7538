import { EXIT } from "../../replay/error.js";
import type { ExportTarget } from "../../replay/plan/replay-config.js";
import { writeWhole } from "../../replay/record/document-file.js";
import { documentText } from "../../report/export/json.js";

/**
 * Writes a document to every file that was asked for. A failed export is told on standard error;
 * the document was already made and stays whole.
 */
export async function exportAll(
  exports: readonly ExportTarget[],
  document: unknown,
): Promise<void> {
  for (const { file } of exports) {
    try {
      await writeWhole(file, documentText(document));
    } catch (error) {
      process.stderr.write(`netmem: ${(error as Error).message}\n`);
      if (!process.exitCode) process.exitCode = EXIT.defect;
    }
  }
}
