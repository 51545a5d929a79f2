import { useCallback, useRef, type ReactElement } from "react";
import { EntryPanel } from "./entry-panel.js";
import { EntryTable } from "./entry-table.js";
import type { Reading } from "./use-reading.js";
import type { Navigate, View } from "./view.js";

interface EntriesProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly reading: Reading;
}

/** The table, and the entry that is open beside it. */
export function Entries({ view, navigate, reading: { result, live, trust } }: EntriesProps): ReactElement {
  const grid = useRef<HTMLDivElement>(null);
  const { found, isLoading } = result;
  const open = useCallback(
    (entry: number | undefined) => {
      navigate({ entry });
    },
    [navigate],
  );
  const shared = { view, navigate, trust, onOpen: open };
  return (
    <>
      <EntryTable {...shared} result={result} live={live} grid={grid} />
      {view.entry !== undefined && !(isLoading && found === undefined) && (
        <EntryPanel
          key={view.log}
          {...shared}
          leafIndex={view.entry}
          tree={found?.tree}
          onClosed={() => {
            grid.current?.focus();
          }}
        />
      )}
    </>
  );
}
