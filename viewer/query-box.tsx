import { lazy, Suspense, useEffect, useRef, type ReactElement } from "react";
import type { ValuesSeen } from "./values-seen.js";

export interface QueryBoxProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSearch: () => void;
  /** Where the fault of the query is, in characters from 1. */
  readonly column: number | undefined;
  readonly seen: ValuesSeen;
}

export const QUERY_LABEL = "Search query";
export const QUERY_HINT = "Words, or actor:alice …";

/** The editor comes after the first paint; until then, a field of the same size takes the query. */
const QueryEditor = lazy(() => import("./query-editor.js"));

export function QueryBox(props: QueryBoxProps): ReactElement {
  return (
    <div className="query-box">
      <Suspense fallback={<PlainField {...props} />}>
        <QueryEditor {...props} />
      </Suspense>
    </div>
  );
}

function PlainField({ text, onText }: QueryBoxProps): ReactElement {
  const field = useRef<HTMLInputElement>(null);
  useSearchFocus(() => {
    field.current?.focus();
  });
  return (
    <input
      ref={field}
      className="query-field"
      aria-label={QUERY_LABEL}
      placeholder={QUERY_HINT}
      spellCheck={false}
      autoComplete="off"
      value={text}
      onChange={(event) => {
        onText(event.target.value);
      }}
    />
  );
}

/** Calls when the page's key for the search box is pressed. */
export function useSearchFocus(focus: () => void): void {
  const latest = useRef(focus);
  latest.current = focus;
  useEffect(() => {
    const called = (): void => {
      latest.current();
    };
    window.addEventListener("auditql:search", called);
    return () => {
      window.removeEventListener("auditql:search", called);
    };
  }, []);
}
