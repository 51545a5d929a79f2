import { useEffect, useRef } from "react";
import type { ValuesSeen } from "./values-seen.js";

/** What the editor for a query and the plain field that stands in for it take. */
export interface QueryFieldProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSearch: () => void;
  /** Where the fault of the query is, in characters from 1. */
  readonly column: number | undefined;
  readonly seen: ValuesSeen;
}

export const QUERY_LABEL = "Search query";
export const QUERY_HINT = "Words, or actor:alice …";

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
