import { lazy, Suspense, useRef, type ReactElement } from "react";
import { QUERY_HINT, QUERY_LABEL, useSearchFocus, type QueryFieldProps } from "./query-field.js";

/** The editor comes after the first paint; until then, a field of the same size takes the query. */
const QueryEditor = lazy(() => import("./query-editor.js"));

export function QueryBox(props: QueryFieldProps): ReactElement {
  return (
    <div className="query-box">
      <Suspense fallback={<PlainField {...props} />}>
        <QueryEditor {...props} />
      </Suspense>
    </div>
  );
}

function PlainField({ text, onText }: QueryFieldProps): ReactElement {
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
