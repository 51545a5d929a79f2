import type { ReactElement } from "react";
import { useMount } from "./mount.js";
import type { Result } from "./use-result.js";
import type { View } from "./view.js";

interface TableNoteProps {
  readonly result: Result;
  readonly isEmpty: boolean;
  readonly view: View;
}

/** What stands where there are no rows. */
export function TableNote({ result, isEmpty, view }: TableNoteProps): ReactElement | null {
  const { restriction, addressOf } = useMount();
  const { found, failure, isLoading } = result;
  if (found === undefined && isLoading) return <Skeleton />;
  if (failure !== undefined && isEmpty) return <p className="note">Nothing was found, because the search failed.</p>;
  if (isEmpty && restriction === undefined && isWholeLog(view))
    return (
      <p className="note">
        This log has no entries yet.
        {addressOf !== undefined && (
          <>
            {" "}
            <a href="graphiql/">GraphiQL</a> has an operation that logs one.
          </>
        )}
      </p>
    );
  return isEmpty ? <p className="note">No entries match. Try fewer words, or a longer period.</p> : null;
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
