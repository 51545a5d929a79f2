/**
 * The characters at the beginning of a cell that make a spreadsheet take it for a formula or start a new cell (OWASP,
 * "CSV Injection"), full-width forms included.
 */
const ACTIVE = /^[=+\-@\t\r\n＝＋－＠]/u;

/** Replaces U+0000, which does not belong in a text file: many readers stop or fail at it. */
const REPLACEMENT = "\ufffd";

/** RFC 4180 section 2.6. */
const NEEDS_QUOTES = /["\r\n,]/;

/**
 * One record (RFC 4180) with its line break. A text that a spreadsheet would execute gets an apostrophe in front, which
 * makes it text: such a cell, and one with U+0000, differs from what was logged.
 */
export function csvRecord(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string): string {
  const text = value.replaceAll("\0", REPLACEMENT);
  const harmless = ACTIVE.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
