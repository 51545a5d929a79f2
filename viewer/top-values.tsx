import { useCallback, type ReactElement } from "react";
import { queryFor } from "./entry.js";
import { useNarrow } from "./frame.js";
import type { Gateway } from "./gateway.js";
import { CountValuesDocument, type ValuesFragment } from "./generated/operations.js";
import { useMount } from "./mount.js";
import { useAnswer } from "./use-answer.js";
import type { Found } from "./use-result.js";
import type { Navigate, View } from "./view.js";

const FIELDS = [
  ["actor", "Actor"],
  ["action", "Action"],
  ["target", "Target"],
  ["source", "Source"],
  ["status", "Status"],
  ["tenant_id", "Tenant"],
] as const;

interface TopValuesProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly found: Found | undefined;
}

/** The most frequent values of each field in the whole result; one that is clicked narrows the search to it. */
export function TopValues({ view, navigate, found }: TopValuesProps): ReactElement {
  const { gateway } = useMount();
  const count = useCallback((resultId: string) => countValues(gateway, resultId), [gateway]);
  const { answer, failure } = useAnswer(found?.resultId, count);
  const isNarrow = useNarrow();
  const narrow = (field: string, value: string): void => {
    // On a phone the values lie over the table.
    const values = !isNarrow;
    navigate({ query: narrowed(view.query, queryFor(field, value)), values, entry: undefined });
  };
  const shown = FIELDS.flatMap(([field, title]) => {
    const facet = answer?.[field];
    return facet && facet.values.length > 0 ? [{ field, title, facet }] : [];
  });
  return (
    <aside className="values" aria-label="Top values">
      {failure !== undefined && <p className="wrong">{failure.message}</p>}
      {answer === undefined && failure === undefined && <p className="quiet">Counting …</p>}
      {answer !== undefined && shown.length === 0 && <p className="quiet">No values to count.</p>}
      {shown.map(({ field, title, facet }) => (
        <FieldValues
          key={field}
          title={title}
          facet={facet}
          onChoose={(value) => {
            narrow(field, value);
          }}
        />
      ))}
    </aside>
  );
}

interface FieldValuesProps {
  readonly title: string;
  readonly facet: ValuesFragment;
  readonly onChoose: (value: string) => void;
}

function FieldValues({ title, facet, onChoose }: FieldValuesProps): ReactElement {
  const { values, distinctCount, otherCount, missingCount } = facet;
  const others = distinctCount - values.length;
  const notes = [
    ...(others > 0 ? [`${number(others)} other values: ${number(otherCount)}`] : []),
    ...(missingCount > 0 ? [`without: ${number(missingCount)}`] : []),
  ];
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {values.map(({ value, count }) => (
          <li key={value}>
            <button
              type="button"
              title={value}
              onClick={() => {
                onChoose(value);
              }}
            >
              <span className="value">{value === "" ? "(empty)" : value}</span>{" "}
              <span className="quiet">{number(count)}</span>
            </button>
          </li>
        ))}
      </ul>
      {notes.length > 0 && <p className="quiet">{notes.join(" · ")}</p>}
    </section>
  );
}

async function countValues(gateway: Gateway, resultId: string) {
  return (await gateway.ask(CountValuesDocument, { resultId })).results;
}

/** Both at once: `OR` binds less than two terms side by side. */
function narrowed(query: string, term: string): string {
  const before = query.trim();
  if (before === "") return term;
  return / OR /.test(before) ? `(${before}) ${term}` : `${before} ${term}`;
}

function number(count: number): string {
  return count.toLocaleString("en");
}
