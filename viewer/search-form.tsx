import { useEffect, useState, type ReactElement } from "react";
import type { Failure } from "./failure.js";
import { HelpDialog } from "./help-dialog.js";
import { PeriodChoice } from "./period-choice.js";
import { QueryBox } from "./query-box.js";
import type { ValuesSeen } from "./values-seen.js";
import type { Navigate, View } from "./view.js";

interface SearchFormProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly failure: Failure | undefined;
  readonly seen: ValuesSeen;
  readonly onSearchAgain: () => void;
}

export function SearchForm({ view, navigate, failure, seen, onSearchAgain }: SearchFormProps): ReactElement {
  const [text, setText] = useState(view.query);
  useEffect(() => {
    setText(view.query);
  }, [view.query]);
  const search = (): void => {
    if (text === view.query) onSearchAgain();
    else navigate({ query: text, entry: undefined });
  };
  // The fault is that of the query that was searched for, not of what is typed since.
  const column = failure?.kind === "query" && text === view.query ? failure.column : undefined;
  return (
    <form
      role="search"
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        search();
      }}
    >
      <div className="search-line">
        <QueryBox text={text} onText={setText} onSearch={search} column={column} seen={seen} />
        <HelpDialog />
        <button type="submit" className="strong">
          Search
        </button>
      </div>
      <PeriodChoice view={view} navigate={navigate} />
    </form>
  );
}
