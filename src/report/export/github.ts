import { type Check, checksOf } from "./checks.js";
import { withinLimit } from "./md.js";
import { mdSections } from "./md-sections.js";
import type { Subject } from "./subject.js";

/** What GitHub takes of one step: a summary of 1 MiB, ten annotations of a kind. */
export const SUMMARY_LIMIT = 1024 * 1024;
const ANNOTATIONS_SHOWN = 9;

/** The step summary, the worst first, for `$GITHUB_STEP_SUMMARY`. */
export function exportSummary(subject: Subject): string {
  return summaryWithin(subject, SUMMARY_LIMIT);
}

/** The same where `limit` bytes are left of the step's file. */
export function summaryWithin(subject: Subject, limit: number): string {
  return withinLimit(
    mdSections(subject).map(({ text }) => text),
    Math.max(limit, 0),
  );
}

/**
 * Workflow commands that mark what did not hold: at most nine of a kind and one that counts the
 * rest. Empty where all is well.
 */
export function annotations(subject: Subject): string {
  const checks = checksOf(subject).flatMap((group) =>
    group.checks.map((check) => ({ ...check, name: `${group.name}: ${check.name}` })),
  );
  const errors = checks.filter(({ result }) => result === "error" || result === "fail");
  const warnings = checks.filter(({ result }) => result === "skip");
  return [...commands("error", errors), ...commands("warning", warnings)]
    .map((line) => `${line}\n`)
    .join("");
}

function commands(kind: "error" | "warning", checks: readonly Check[]): string[] {
  const shown = checks.length > ANNOTATIONS_SHOWN + 1 ? ANNOTATIONS_SHOWN : checks.length;
  const lines = checks
    .slice(0, shown)
    .map(({ name, message }) => command(kind, "netmem", `${name}: ${message}`));
  const more = checks.length - shown;
  if (more > 0) lines.push(command(kind, "netmem", `and ${more} more; see the step summary`));
  return lines;
}

function command(kind: string, title: string, message: string): string {
  return `::${kind} title=${escapeProperty(title)}::${escapeData(message)}`;
}

/** What the runner's command parser takes for its own must be escaped. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
