import { useCallback, useMemo, useRef, useState, type ReactElement } from "react";
import { FIRST_COLUMNS } from "./column.js";
import { ColumnsDialog } from "./columns-dialog.js";
import type { AuditEntryProps, AuditLogProps, AuditTableProps } from "./embed-props.js";
import { Entries } from "./entries.js";
import { EntryView } from "./entry-view.js";
import { Frame } from "./frame.js";
import { Gateway } from "./gateway.js";
import { TrustMemory } from "./kept-trust.js";
import { LiveButtons } from "./live-buttons.js";
import { MountProvider, type Mount } from "./mount.js";
import { restrictionOf } from "./restriction.js";
import { SearchForm } from "./search-form.js";
import { Shadow } from "./shadow.js";
import { StatusLine } from "./status-line.js";
import { useNewestTree } from "./use-newest-tree.js";
import { useReading } from "./use-reading.js";
import { useTrust } from "./use-trust.js";
import { readView, type Navigate, type View } from "./view.js";

export type { Column } from "./column.js";
export type { AuditEntryProps, AuditLogProps, AuditTableProps, TokenProvider, TrustedLogKey } from "./embed-props.js";

/** A search box, a table of what it finds in a log, each row with its lock, and the entry that is open beside it. */
export function AuditTable({ className, theme, ...props }: AuditTableProps): ReactElement {
  const { endpoint, log, restriction } = props;
  // Nothing that was found in one place is shown while another is searched.
  const place = JSON.stringify([endpoint, log, restriction]);
  return (
    <Shadow part="table" className={className} theme={theme}>
      {(overlay) => <Table key={place} {...props} overlay={overlay} />}
    </Shadow>
  );
}

/** One entry of a log: its event, its lock, and its proof drawn as the path in the tree. */
export function AuditEntry({ className, theme, ...props }: AuditEntryProps): ReactElement {
  const { endpoint, log, leafIndex } = props;
  const place = JSON.stringify([endpoint, log, leafIndex]);
  return (
    <Shadow part="entry" className={className} theme={theme}>
      {(overlay) => <One key={place} {...props} overlay={overlay} />}
    </Shadow>
  );
}

interface Inside {
  readonly overlay: HTMLElement;
}

function Table({ columns, query = "", ...props }: AuditTableProps & Inside): ReactElement {
  return (
    <MountProvider value={useEmbedded(props)}>
      <SearchedTable columns={columns} query={query} log={props.log ?? ""} />
    </MountProvider>
  );
}

function SearchedTable({ columns, query, log }: Pick<AuditTableProps, "columns"> & Pick<View, "query" | "log">) {
  const [changed, setChanged] = useState<Partial<View>>({ query });
  const first = columns === undefined || columns.length === 0 ? FIRST_COLUMNS : columns;
  const view = useMemo(() => ({ ...readView(""), columns: first, log, ...changed }), [first, log, changed]);
  const navigate = useCallback<Navigate>((change) => {
    setChanged((before) => ({ ...before, ...change }));
  }, []);
  const reading = useReading(view);
  const { result, live, trust, seen } = reading;
  const shared = { view, navigate };
  return (
    <Frame>
      <SearchForm {...shared} failure={result.failure} seen={seen} onSearchAgain={result.searchAgain} />
      <StatusLine log={log} result={result} trust={trust} live={live}>
        <LiveButtons live={live} view={view} />
        <ColumnsDialog {...shared} />
      </StatusLine>
      <div className="columns">
        <Entries {...shared} reading={reading} />
      </div>
    </Frame>
  );
}

function One({ leafIndex, ...props }: AuditEntryProps & Inside): ReactElement {
  return (
    <MountProvider value={useEmbedded(props)}>
      <OneEntry leafIndex={leafIndex} log={props.log ?? ""} />
    </MountProvider>
  );
}

function OneEntry({ leafIndex, log }: Pick<AuditEntryProps, "leafIndex"> & Pick<View, "log">): ReactElement {
  const { tree, failure } = useNewestTree(log);
  const trust = useTrust(log, tree);
  const [shown, setShown] = useState(leafIndex);
  const view = useMemo(() => ({ ...readView(""), log }), [log]);
  return (
    <Frame>
      {failure !== undefined && (
        <p className="wrong note" role="alert">
          {failure.message}
        </p>
      )}
      {tree !== undefined && (
        <section className="panel" aria-label={`Entry ${leafIndex.toLocaleString("en")}`}>
          <EntryView
            {...{ view, tree, trust, leafIndex: shown, onOpen: setShown }}
            navigate={undefined}
            close={undefined}
          />
        </section>
      )}
    </Frame>
  );
}

/** Where the component is: the gateway, and what this browser remembers of it. */
function useEmbedded(props: AuditLogProps & Pick<AuditTableProps, "restriction"> & Inside): Mount {
  const { endpoint, token, restriction, overlay, trusted } = props;
  const latest = useRef(token);
  latest.current = token;
  const hasToken = token !== undefined;
  const { key, root } = trusted ?? {};
  const [treeSize, hash] = [root?.treeSize, root?.hash];
  return useMemo(() => {
    const url = new URL(endpoint, document.baseURI).href;
    const tree = treeSize === undefined || hash === undefined ? {} : { root: { treeSize, hash } };
    return {
      gateway: new Gateway(url, hasToken ? () => latest.current?.() : undefined),
      memory: new TrustMemory(`auditql:trust:${url} `, key === undefined ? undefined : { key, ...tree }),
      restriction: restriction === undefined ? undefined : restrictionOf(restriction),
      ...{ addressOf: undefined, overlay },
    };
  }, [endpoint, hasToken, restriction, key, treeSize, hash, overlay]);
}
