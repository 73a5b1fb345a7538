import { escapeMarkup } from "../export/xml.js";

/** Markup that is safe to put into a page as it is. */
export type Markup = string;

/** Text as markup. */
export const text = escapeMarkup;

/** A section of the page with its heading. */
export function section(id: string, title: string, body: Markup, level: 2 | 3 = 3): Markup {
  const heading = `<h${level} id="${id}">${text(title)}</h${level}>`;
  return `<section aria-labelledby="${id}">${heading}\n${body}</section>\n`;
}

/** A chart and what stands beside it, or below it on a narrow page. */
export function beside(...parts: readonly Markup[]): Markup {
  return `<div class="beside">${parts.filter((part) => part !== "").join("\n")}</div>\n`;
}

/** A table that scrolls by itself where it is too wide; the first column names the row. */
export function table(
  caption: string,
  head: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
): Markup {
  const cells = head.map((cell) => `<th scope="col">${text(cell)}</th>`).join("");
  const body = rows.map(([label, ...values]) => {
    const name = `<th scope="row">${text(label!)}</th>`;
    return `<tr>${name}${values.map((value) => `<td>${text(value)}</td>`).join("")}</tr>`;
  });
  return (
    `<div class="scroll" tabindex="0" role="region" aria-label="${text(caption)}"><table>` +
    `<caption>${text(caption)}</caption><thead><tr>${cells}</tr></thead>\n` +
    `<tbody>${body.join("\n")}</tbody></table></div>`
  );
}

/** What can be opened; printed open. */
export function folded(summary: string, body: Markup): Markup {
  return `<details><summary>${text(summary)}</summary>\n${body}</details>\n`;
}

/** JSON inside a script element: nothing in it can end the element. */
export function jsonScript(data: unknown): Markup {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<script type="application/json">${json}</script>`;
}

/** A coordinate, short. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
