import type { Subject } from "../export/subject.js";
export function exportHtml(subject: Subject): string {
  return String(subject.records.length);
}
