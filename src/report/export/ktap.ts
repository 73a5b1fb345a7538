import { checksOf } from "./checks.js";
import type { Subject } from "./subject.js";

/**
 * KTAP 1 (Documentation/dev-tools/ktap.rst) as kselftest and NIPA read it: one line a check, what
 * went wrong as diagnostics in front of the line that it belongs to.
 */
export function exportKtap(subject: Subject): string {
  const checks = checksOf(subject).flatMap((group) =>
    group.checks.map((check) => ({ ...check, name: `${group.name}: ${check.name}` })),
  );
  const lines = checks.flatMap(({ name, result, message }, i) => {
    const said = message === "" ? [] : [`# ${oneLine(message)}`];
    const bad = result === "fail" || result === "error";
    const skipped = result === "skip" ? ` # SKIP ${oneLine(message)}` : "";
    const line = `${bad ? "not ok" : "ok"} ${i + 1} ${oneLine(name)}${skipped}`;
    return [...(result === "skip" ? [] : said), line];
  });
  return `${["KTAP version 1", `1..${checks.length}`, ...lines].join("\n")}\n`;
}

/** A name or message: no line breaks, and no # of its own, which would begin a directive. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("#", "\\#");
}
