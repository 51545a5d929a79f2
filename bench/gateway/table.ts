import { figure } from "../machine.js";

/** One row of the table: what was measured, what it came to, and the bar it is held to. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly isReached: boolean;
}

export function printRows(rows: readonly Row[]): void {
  const width = (of: (row: Row) => string) => Math.max(...rows.map((row) => of(row).length));
  const [what, measured] = [width((row) => row.what), width((row) => row.measured)];
  for (const row of rows) {
    const mark = row.isReached ? "reached" : "MISSED ";
    console.log(`${row.what.padEnd(what)}  ${row.measured.padEnd(measured)}  ${mark}  bar: ${row.bar}`);
  }
}

/** `0.83x`. */
export function ratio(a: number, b: number): string {
  return `${figure(a / b)}x`;
}
