/**
 * What a spreadsheet takes for a formula, or for a reason to begin a new cell, when a cell begins with it (OWASP, "CSV
 * Injection"), the full-width forms included.
 */
const ACTIVE = /^[=+\-@\t\r\n＝＋－＠]/u;

/** Stands for U+0000, which is no part of a text file: many readers end, or fail, at it. */
const REPLACEMENT = "\ufffd";

/** RFC 4180 section 2.6. */
const NEEDS_QUOTES = /["\r\n,]/;

/**
 * One record (RFC 4180), its line break included. A text that a spreadsheet would execute gets an apostrophe before it,
 * which makes it text there: such a cell is not exactly what was logged, nor is one with U+0000.
 */
export function csvRecord(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string): string {
  const text = value.replaceAll("\0", REPLACEMENT);
  const harmless = ACTIVE.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
