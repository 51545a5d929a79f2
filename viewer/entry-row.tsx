import { memo, type ReactElement } from "react";
import { cellText, LOOKS } from "./columns.js";
import type { Entry } from "./entry.js";
import { checksOf, colorOf, DAMAGED } from "./lock.js";
import { LockMark } from "./lock-mark.js";
import { isDamaged, type Row } from "./use-result.js";
import { useVerdicts, type Trust } from "./use-trust.js";
import type { Column } from "./column.js";

interface EntryRowProps {
  readonly id: string;
  /** From 2: the header is row 1. */
  readonly ariaRow: number;
  readonly row: Row | undefined;
  readonly columns: readonly Column[];
  readonly trust: Trust;
  readonly top: number;
  readonly height: number;
  readonly isActive: boolean;
  readonly isOpen: boolean;
  readonly onPick: (ariaRow: number, entry: number | undefined) => void;
}

export const EntryRow = memo(function EntryRow(props: EntryRowProps): ReactElement {
  const { id, ariaRow, row, columns, trust, top, height, isActive, isOpen, onPick } = props;
  const damaged = row !== undefined && isDamaged(row);
  const entry = row === undefined || isDamaged(row) ? undefined : row;
  const look = `row${isActive ? " active" : ""}${isOpen ? " open" : ""}${row === undefined ? " waiting" : ""}`;
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={ariaRow}
      aria-selected={isOpen}
      className={look}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => {
        onPick(ariaRow, row?.leafIndex);
      }}
    >
      <div role="gridcell" className="cell lock-cell">
        {damaged && <LockMark color="red" checks={DAMAGED} />}
        {entry !== undefined && <RowLock entry={entry} trust={trust} />}
      </div>
      {damaged && (
        <div role="gridcell" className="cell damaged">
          {row.leafIndex === undefined ? "This entry" : `Entry ${row.leafIndex.toLocaleString("en")}`} cannot be shown:
          its stored bytes no longer match the log.
        </div>
      )}
      {!damaged &&
        columns.map((column) => <Cell key={column} column={column} text={entry && cellText(entry, column)} />)}
    </div>
  );
});

function Cell({ column, text }: { readonly column: Column; readonly text: string | undefined }): ReactElement {
  return (
    <div role="gridcell" className={`cell ${column}`} title={text && text.length > 20 ? text.slice(0, 500) : undefined}>
      {text === undefined ? (
        <span className="bone" aria-hidden="true" />
      ) : column === "status" && text !== "" ? (
        <StatusTag text={text} />
      ) : (
        text.slice(0, 300)
      )}
      {text === "" && (
        <span className="none" aria-label={`no ${LOOKS[column].title}`}>
          –
        </span>
      )}
    </div>
  );
}

const GOOD = /^(success|succeeded|ok|allowed|passed|done)$/i;
const BAD = /^(fail|failed|failure|error|denied|forbidden|rejected|blocked)$/i;

function StatusTag({ text }: { readonly text: string }): ReactElement {
  const tone = GOOD.test(text) ? "good" : BAD.test(text) ? "bad" : "plain";
  return <span className={`tag ${tone}`}>{text.slice(0, 100)}</span>;
}

function RowLock({ entry, trust }: { readonly entry: Entry; readonly trust: Trust }): ReactElement {
  const verdicts = useVerdicts(entry, trust.checker);
  const checks = verdicts === undefined ? [] : checksOf(verdicts, trust.history, entry.proof?.treeSize ?? 0);
  return <LockMark color={verdicts === undefined ? "grey" : colorOf(checks)} checks={checks} />;
}
