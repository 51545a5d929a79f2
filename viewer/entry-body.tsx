import type { MouseEvent, ReactElement, ReactNode } from "react";
import { isPlainObject } from "../src/core/json.js";
import { changesOf } from "./changes.js";
import { ChangeTable } from "./change-table.js";
import { prettyOf, queryFor, shortTime, textOf, type Entry } from "./entry.js";
import type { Check } from "./lock.js";
import { CheckList } from "./lock-mark.js";
import { useMount } from "./mount.js";
import { ProofDrawing } from "./proof-drawing.js";
import type { Checker } from "./trust.js";
import type { Navigate, View } from "./view.js";

interface EntryBodyProps {
  readonly entry: Entry;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  readonly checks: readonly Check[];
  readonly checker: Checker | undefined;
  readonly view: View;
  /** Undefined where there is no table to search. */
  readonly navigate: Navigate | undefined;
  readonly onOpen: (entry: number) => void;
}

/** Everything there is of an entry. */
export function EntryBody(props: EntryBodyProps): ReactElement {
  const { entry, before, after, checks, checker, view, navigate, onOpen } = props;
  const { old, new: now } = entry.event;
  const changes = changesOf(old, now);
  const trusted = checker?.formatOf(entry);
  return (
    <div className="panel-body">
      <Section title="Event">
        <EventFields entry={entry} view={view} navigate={navigate} />
      </Section>
      {changes.length > 0 && (
        <Section title="What changed">
          <ChangeTable changes={changes} />
        </Section>
      )}
      <Section title="Verified in this browser">
        <CheckList checks={checks} />
      </Section>
      {(before ?? after) !== undefined && (
        <Section title="Beside it in the log">
          <Neighbour entry={before} onOpen={onOpen} />
          <p className="neighbour here">{lineOf(entry)}</p>
          <Neighbour entry={after} onOpen={onOpen} />
        </Section>
      )}
      {entry.proof !== undefined && trusted !== undefined && (
        <Section title="Proof of inclusion">
          <ProofDrawing proof={entry.proof} format={trusted.format} />
        </Section>
      )}
      <Section title="Whole entry">
        <pre tabIndex={0} aria-label="Whole entry as JSON">
          {wholeOf(entry)}
        </pre>
        <p className="hash">
          <span className="quiet">Leaf hash</span> <code>{entry.hash}</code>
        </p>
      </Section>
    </div>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Fields of which others can have the same value, and what a search for them is called. */
const LINKS: Readonly<Record<string, string>> = {
  ...{ actor: "All by this actor", target: "All about this target", source: "All from this source" },
  tenant_id: "All of this tenant",
};
const FIRST = ["message", "actor", "action", "target", "status", "source", "tenant_id", "timestamp"];

function EventFields({ entry, view, navigate }: Pick<EntryBodyProps, "entry" | "view" | "navigate">): ReactElement {
  const { event, receivedAt } = entry;
  const others = Object.keys(event).filter((field) => !FIRST.includes(field) && field !== "old" && field !== "new");
  const shown = [...FIRST, ...others].filter((field) => event[field] !== undefined);
  return (
    <dl className="facts">
      {shown.map((field) => {
        const value = event[field] ?? null;
        return (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              {isPlainObject(value) || Array.isArray(value) ? (
                <pre tabIndex={0} aria-label={field}>
                  {prettyOf(value)}
                </pre>
              ) : (
                prettyOf(value)
              )}
              {LINKS[field] !== undefined && navigate !== undefined && (
                <ViewLink to={{ ...view, ...searchFor(field, textOf(value)) }} navigate={navigate}>
                  {LINKS[field]}
                </ViewLink>
              )}
            </dd>
          </div>
        );
      })}
      <div>
        <dt>received</dt>
        <dd>{receivedAt}</dd>
      </div>
    </dl>
  );
}

function searchFor(field: string, value: string) {
  return { query: queryFor(field, value), period: { kind: "all" as const }, entry: undefined };
}

interface ViewLinkProps {
  readonly to: View;
  readonly navigate: Navigate;
  readonly children: ReactNode;
}

/** A link where the view has an address, which may be opened in another tab; else a button. */
function ViewLink({ to, navigate, children }: ViewLinkProps): ReactElement {
  const { addressOf } = useMount();
  const go = (click: MouseEvent): void => {
    if (addressOf !== undefined && (click.ctrlKey || click.metaKey || click.shiftKey)) return;
    click.preventDefault();
    navigate(to);
  };
  if (addressOf !== undefined)
    return (
      <a href={addressOf(to)} onClick={go}>
        {children}
      </a>
    );
  return (
    <button type="button" className="link" onClick={go}>
      {children}
    </button>
  );
}

function Neighbour({ entry, onOpen }: { readonly entry: Entry | undefined; readonly onOpen: (entry: number) => void }) {
  if (entry === undefined) return null;
  return (
    <button
      type="button"
      className="neighbour"
      onClick={() => {
        onOpen(entry.leafIndex);
      }}
    >
      {lineOf(entry)}
    </button>
  );
}

function lineOf({ leafIndex, receivedAt, event }: Entry): string {
  const said = [event["actor"], event["action"], event["target"] ?? event["message"]]
    .map(textOf)
    .filter((text) => text !== "");
  return `${leafIndex.toLocaleString("en")} · ${shortTime(receivedAt).slice(11, 19)} · ${said.join(" ")}`.slice(0, 160);
}

/** The text that was hashed, in lines. */
function wholeOf({ canonical }: Entry): string {
  try {
    return JSON.stringify(JSON.parse(canonical), null, 2);
  } catch {
    return canonical;
  }
}
