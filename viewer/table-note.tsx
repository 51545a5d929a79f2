import type { ReactElement } from "react";
import type { Result } from "./use-result.js";
import type { View } from "./view.js";

interface TableNoteProps {
  readonly result: Result;
  readonly isEmpty: boolean;
  /** Whether the table has a row for every entry of the result. */
  readonly isWhole: boolean;
  readonly view: View;
}

/** What stands where there are no rows, or behind the last. */
export function TableNote({ result, isEmpty, isWhole, view }: TableNoteProps): ReactElement | null {
  const { found, failure, isLoading } = result;
  if (found === undefined && isLoading) return <Skeleton />;
  if (failure !== undefined && isEmpty) return <p className="note">Nothing was found, because the search failed.</p>;
  if (isEmpty && isWholeLog(view))
    return (
      <p className="note">
        This log has no entries yet. <a href="graphiql/">GraphiQL</a> has an operation that logs one.
      </p>
    );
  if (isEmpty) return <p className="note">No entries match. Try fewer words, or a longer period.</p>;
  if (isWhole) return null;
  return (
    <p className="note">The table ends here. Narrow the search, or turn its order round, to see the other entries.</p>
  );
}

function isWholeLog({ query, period }: View): boolean {
  return query.trim() === "" && period.kind === "all";
}

function Skeleton(): ReactElement {
  return (
    <div className="skeleton" aria-hidden="true">
      {Array.from({ length: 12 }, (_, place) => (
        <span key={place} className="bone" />
      ))}
    </div>
  );
}
