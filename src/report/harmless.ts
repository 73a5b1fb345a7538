/** Everything but printable characters, spaces and line ends. */
const CONTROL = /[^ -~\n\t\u00a0-\uffff]/g;
/** What follows an escape character in the codes of our own styles (table/style.ts). */
const STYLE = /^\[(?:1|2|22|3[1-3]|39)m/;

/**
 * A text for a terminal in which nothing but our own styles can command it: names of captures are
 * anybody's, and in some of them are bytes that move a cursor or rename a window. Any such byte is
 * shown as `\x1b`.
 */
export function harmless(text: string): string {
  return text.replace(CONTROL, (char, at: number) => {
    const code = char.charCodeAt(0);
    if (code === 0x1b && STYLE.test(text.slice(at + 1, at + 5))) return char;
    return `\\x${code.toString(16).padStart(2, "0")}`;
  });
}
