import type { ReactElement } from "react";
import { COLUMNS, type Column } from "./column.js";
import { LOOKS } from "./columns.js";
import { ButtonDialog } from "./dialog.js";
import { sortingField, type Navigate, type Sorting, type View } from "./view.js";

interface ColumnsDialogProps {
  readonly view: View;
  readonly navigate: Navigate;
}

/** Chooses the columns and their order, and what the table is sorted by. */
export function ColumnsDialog({ view, navigate }: ColumnsDialogProps): ReactElement {
  const { columns } = view;
  const others = COLUMNS.filter((column) => !columns.includes(column));
  const show = (next: readonly Column[]): void => {
    if (next.length > 0) navigate({ columns: next }, "replace");
  };
  return (
    <ButtonDialog button="Columns" title="Columns and order">
      <ul className="column-list">
        {[...columns, ...others].map((column) => (
          <li key={column}>
            <label>
              <input
                type="checkbox"
                checked={columns.includes(column)}
                onChange={(event) => {
                  show(event.target.checked ? [...columns, column] : columns.filter((one) => one !== column));
                }}
              />
              {LOOKS[column].title}
            </label>
            {columns.includes(column) && <MoveButtons columns={columns} column={column} onMove={show} />}
          </li>
        ))}
      </ul>
      <SortChoice
        sorting={view.sorting}
        onSort={(sorting) => {
          navigate({ sorting });
        }}
      />
    </ButtonDialog>
  );
}

interface MoveButtonsProps {
  readonly columns: readonly Column[];
  readonly column: Column;
  readonly onMove: (columns: readonly Column[]) => void;
}

function MoveButtons({ columns, column, onMove }: MoveButtonsProps): ReactElement {
  const place = columns.indexOf(column);
  const move = (to: number): void => {
    const others = columns.filter((one) => one !== column);
    onMove([...others.slice(0, to), column, ...others.slice(to)]);
  };
  const { title } = LOOKS[column];
  return (
    <span className="moves">
      <button
        type="button"
        aria-label={`Move ${title} left`}
        disabled={place === 0}
        onClick={() => {
          move(place - 1);
        }}
      >
        ↑
      </button>
      <button
        type="button"
        aria-label={`Move ${title} right`}
        disabled={place === columns.length - 1}
        onClick={() => {
          move(place + 1);
        }}
      >
        ↓
      </button>
    </span>
  );
}

interface SortChoiceProps {
  readonly sorting: Sorting;
  readonly onSort: (sorting: Sorting) => void;
}

function SortChoice({ sorting, onSort }: SortChoiceProps): ReactElement {
  const fields = COLUMNS.flatMap((column) => {
    const field = sortingField(column);
    return field === undefined ? [] : [{ field, title: LOOKS[column].title }];
  });
  return (
    <div className="sort-choice">
      <label>
        Sort by{" "}
        <select
          value={sorting.field}
          onChange={({ target }) => {
            const chosen = fields.find(({ field }) => field === target.value);
            if (chosen !== undefined) onSort({ ...sorting, field: chosen.field });
          }}
        >
          {fields.map(({ field, title }) => (
            <option key={field} value={field}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        Direction{" "}
        <select
          value={sorting.direction}
          onChange={({ target }) => {
            onSort({ ...sorting, direction: target.value === "ASC" ? "ASC" : "DESC" });
          }}
        >
          <option value="DESC">Newest or largest first</option>
          <option value="ASC">Oldest or smallest first</option>
        </select>
      </label>
    </div>
  );
}
