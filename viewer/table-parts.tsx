import type { ReactElement } from "react";
import { MOST_ROWS } from "./use-table.js";

interface TablePartsProps {
  /** The row that the table begins with, from 0. */
  readonly start: number;
  readonly rowCount: number;
  readonly onGo: (start: number) => void;
}

/** Leads through a result that is too long for one table. */
export function TableParts({ start, rowCount, onGo }: TablePartsProps): ReactElement | null {
  if (rowCount <= MOST_ROWS) return null;
  const end = Math.min(start + MOST_ROWS, rowCount);
  const [from, to, all] = [start + 1, end, rowCount].map((row) => row.toLocaleString("en"));
  const button = (name: string, next: number): ReactElement => (
    <button
      type="button"
      disabled={next < 0 || next >= rowCount}
      onClick={() => {
        onGo(next);
      }}
    >
      {name}
    </button>
  );
  return (
    <nav className="parts" aria-label="Parts of the result">
      {button("Rows before", start - MOST_ROWS)}
      <span className="quiet">
        Rows {from} to {to} of {all}
      </span>
      {button("Rows after", end)}
    </nav>
  );
}
