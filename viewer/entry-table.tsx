import { useCallback, type ReactElement, type RefObject } from "react";
import type { Column } from "./column.js";
import { LOOKS } from "./columns.js";
import { EntryRow } from "./entry-row.js";
import { TableHead } from "./table-head.js";
import { TableNote } from "./table-note.js";
import { useRowKeys } from "./use-row-keys.js";
import type { Live } from "./use-live.js";
import type { Result, Row } from "./use-result.js";
import { TableParts } from "./table-parts.js";
import { useTable } from "./use-table.js";
import type { Trust } from "./use-trust.js";
import type { Navigate, View } from "./view.js";

interface EntryTableProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly result: Result;
  readonly live: Live;
  readonly trust: Trust;
  readonly onOpen: (entry: number | undefined) => void;
  /** The element that takes the keys. */
  readonly grid: RefObject<HTMLDivElement | null>;
}

/** Every row of the result is there to scroll to; those that are seen are fetched. */
export function EntryTable(props: EntryTableProps): ReactElement {
  const { view, navigate, result, trust, onOpen, grid } = props;
  const table = useTable(props);
  const { scroller, count, active, setActive, at, start, goTo } = table;
  const { move, page } = moves(table);
  const onKeyDown = useRowKeys({
    ...{ active, count, page, move },
    open: () => {
      onOpen(at(active)?.leafIndex);
    },
    close: () => {
      onOpen(undefined);
    },
  });
  const pick = useCallback(
    (ariaRow: number, entry: number | undefined) => {
      setActive(ariaRow - 2);
      onOpen(entry);
    },
    [onOpen, setActive],
  );
  const rowCount = result.found?.rowCount ?? 0;
  return (
    <div className="table">
      <div ref={scroller} className="scroller">
        <div
          ref={grid}
          role="grid"
          aria-label="Entries"
          aria-rowcount={count + 1}
          aria-busy={result.isLoading}
          aria-activedescendant={count === 0 ? undefined : `row-${active}`}
          tabIndex={0}
          className="grid"
          id="entries"
          style={tracksOf(view.columns)}
          onKeyDown={onKeyDown}
        >
          <TableHead
            columns={view.columns}
            sorting={view.sorting}
            onSort={(sorting) => {
              navigate({ sorting });
            }}
          />
          <Rows table={table} trust={trust} view={view} onPick={pick} />
        </div>
        <TableNote result={result} isEmpty={count === 0} view={view} />
      </div>
      <TableParts start={start} rowCount={rowCount} onGo={goTo} />
    </div>
  );
}

/** React's type of a style knows no custom properties. */
function tracksOf(columns: readonly Column[]): Readonly<Record<string, string>> {
  return { "--tracks": ["36px", ...columns.map((column) => LOOKS[column].width)].join(" ") };
}

type Table = ReturnType<typeof useTable>;

/** Where the keys for rows lead, and how many rows a page of the table has. */
function moves({ rows, height, setActive }: Table) {
  return {
    page: Math.max(1, Math.floor((rows.scrollRect?.height ?? 0) / height) - 2),
    move: (to: number): void => {
      setActive(to);
      rows.scrollToIndex(to);
    },
  };
}

interface RowsProps {
  readonly table: Table;
  readonly trust: Trust;
  readonly view: View;
  readonly onPick: (ariaRow: number, entry: number | undefined) => void;
}

function Rows({ table, trust, view, onPick }: RowsProps): ReactElement {
  const { rows, height, active, at } = table;
  const isOpen = (row: Row | undefined): boolean => row?.leafIndex !== undefined && row.leafIndex === view.entry;
  return (
    <div role="rowgroup" className="rows" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, start }) => (
        <EntryRow
          {...{ trust, height, columns: view.columns, onPick }}
          {...{ id: `row-${index}`, ariaRow: index + 2, row: at(index), top: start }}
          key={index}
          isActive={index === active}
          isOpen={isOpen(at(index))}
        />
      ))}
    </div>
  );
}
