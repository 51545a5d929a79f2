import type { ReactElement } from "react";
import type { Column } from "./column.js";
import { LOOKS } from "./columns.js";
import { sortingField, type Sorting } from "./view.js";

interface TableHeadProps {
  readonly columns: readonly Column[];
  readonly sorting: Sorting;
  readonly onSort: (sorting: Sorting) => void;
}

/** The names of the columns; those that the API can sort by are buttons. */
export function TableHead({ columns, sorting, onSort }: TableHeadProps): ReactElement {
  return (
    <div role="row" aria-rowindex={1} className="head">
      <div role="columnheader" className="cell lock-cell">
        <span className="unseen">Verified</span>
      </div>
      {columns.map((column) => (
        <HeadCell key={column} column={column} sorting={sorting} onSort={onSort} />
      ))}
    </div>
  );
}

interface HeadCellProps extends Pick<TableHeadProps, "sorting" | "onSort"> {
  readonly column: Column;
}

function HeadCell({ column, sorting, onSort }: HeadCellProps): ReactElement {
  const { title } = LOOKS[column];
  const field = sortingField(column);
  if (field === undefined)
    return (
      <div role="columnheader" className="cell">
        {title}
      </div>
    );
  const isSorted = sorting.field === field;
  const isUp = sorting.direction === "ASC";
  // Times begin with the newest, texts with A.
  const first = field === "RECEIVED_AT" || field === "TIMESTAMP" ? "DESC" : "ASC";
  const next = isSorted ? (isUp ? "DESC" : "ASC") : first;
  return (
    <div role="columnheader" className="cell" aria-sort={isSorted ? (isUp ? "ascending" : "descending") : "none"}>
      <button
        type="button"
        onClick={() => {
          onSort({ field, direction: next });
        }}
      >
        {title} <span aria-hidden="true">{isSorted ? (isUp ? "↑" : "↓") : ""}</span>
      </button>
    </div>
  );
}
