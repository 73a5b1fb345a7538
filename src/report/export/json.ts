/** A document as netmem prints and exports it: indented JSON, one newline at the end. */
export function documentText(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
