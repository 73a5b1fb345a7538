import { mdSections } from "./md-sections.js";
import type { Subject } from "./subject.js";

/** Comments on GitHub end at 65,536 characters; some are left for what a bot adds. */
export const COMMENT_LIMIT = 60_000;

/**
 * Markdown for a comment on a change: what differs, the worst first. The first line is a mark by
 * which a script finds its own comment again.
 */
export function exportMarkdown(subject: Subject): string {
  return withinLimit(
    mdSections(subject).map(({ text }) => text),
    COMMENT_LIMIT,
    "<!-- netmem -->\n",
  );
}

/** As many whole sections as fit into `limit` bytes of UTF-8; the last line says what does not. */
export function withinLimit(sections: readonly string[], limit: number, head = ""): string {
  let text = head;
  let left = limit - Buffer.byteLength(head) - 200;
  for (const [i, section] of sections.entries()) {
    const bytes = Buffer.byteLength(section) + 2;
    if (bytes > left) {
      const more = sections.length - i;
      return `${text}_${more} more ${more === 1 ? "section does" : "sections do"} not fit here._\n`;
    }
    text += `${section}\n\n`;
    left -= bytes;
  }
  return `${text.trimEnd()}\n`;
}
