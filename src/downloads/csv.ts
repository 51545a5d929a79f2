/**
 * Where a spreadsheet takes text for a formula (OWASP, "CSV Injection"): `=`, `+`, `-`, `@` or its full-width form, behind
 * blanks or quotes, at the beginning of a cell, and of each part of one. Many spreadsheets separate cells by `;`, a tab or
 * `|`, also where a file has commas, and then take a line break inside quotes for the end of a line.
 */
const ACTIVE = /(^|[;|\t\r\n])(?=[ "]*[=+\-@＝＋－＠])/gu;

/** A tab or line break at the beginning of a cell, which some drop. */
const DROPPED = /^(?=[\t\r\n])/;

/** Replaces U+0000, which does not belong in a text file: many readers stop or fail at it. */
const REPLACEMENT = "\ufffd";

/** RFC 4180 section 2.6, and what others separate cells by: some separate by all of them together. */
const NEEDS_QUOTES = /["\r\n,;|\t]/;

/**
 * One record (RFC 4180) with its line break. Text that a spreadsheet would execute gets an apostrophe before it, which
 * makes it text: such a cell, and one with U+0000, differs from what was logged.
 */
export function csvRecord(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string): string {
  const harmless = value.replaceAll("\0", REPLACEMENT).replace(DROPPED, "'").replace(ACTIVE, "$1'");
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
