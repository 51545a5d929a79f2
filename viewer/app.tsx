import { useCallback, useEffect, useMemo, useState, type ReactElement } from "react";
import { takeCredential } from "./api.js";
import { useView } from "./address.js";
import { keepCredential, keptCredential } from "./credential.js";
import { EntryPanel } from "./entry-panel.js";
import { EntryTable } from "./entry-table.js";
import { SignIn } from "./sign-in.js";
import { StatusLine } from "./status-line.js";
import { TopBar } from "./top-bar.js";
import { SearchForm } from "./search-form.js";
import type { SignedTree } from "./trust.js";
import { TimeLine } from "./time-line.js";
import { TopValues } from "./top-values.js";
import { useLive, type Live } from "./use-live.js";
import { useResult } from "./use-result.js";
import { useTrust } from "./use-trust.js";
import { valuesSeen } from "./values-seen.js";

/** The page: what the address asks for, and one entry of it beside it. */
export function App(): ReactElement {
  const [visit, setVisit] = useState(0);
  const use = useCallback((text: string) => {
    keepCredential(text);
    takeCredential();
    setVisit((visits) => visits + 1);
  }, []);
  return <Viewer key={visit} credential={keptCredential()} onCredential={use} />;
}

interface ViewerProps {
  readonly credential: string;
  readonly onCredential: (text: string) => void;
}

function Viewer({ credential, onCredential }: ViewerProps): ReactElement {
  const [view, navigate] = useView();
  const result = useResult(view);
  const { found, failure } = result;
  const live = useLive({ log: view.log, query: view.query, from: found?.tree.treeSize });
  const trust = useTrust(view.log, useNewestTree(found?.tree, live));
  const seen = useMemo(() => valuesSeen(found), [found]);
  const open = useCallback(
    (entry: number | undefined) => {
      navigate({ entry });
    },
    [navigate],
  );
  useSearchKey();
  const refused =
    failure?.kind === "credential" ? failure : live.failure?.kind === "credential" ? live.failure : undefined;
  if (refused !== undefined)
    return <SignIn isRefused={credential !== ""} message={refused.message} onCredential={onCredential} />;
  const shared = { view, navigate };
  return (
    <div className="page">
      <TopBar
        {...shared}
        live={live}
        found={found}
        onSignOut={
          credential === ""
            ? undefined
            : () => {
                onCredential("");
              }
        }
      />
      <SearchForm {...shared} failure={failure} seen={seen} onSearchAgain={result.searchAgain} />
      <StatusLine {...shared} result={result} trust={trust} live={live} />
      <TimeLine {...shared} found={found} />
      <main className="columns">
        {view.values && <TopValues {...shared} found={found} />}
        <EntryTable {...shared} result={result} live={live} trust={trust} onOpen={open} />
        {view.entry !== undefined && !(result.isLoading && found === undefined) && (
          <EntryPanel
            key={view.log}
            {...shared}
            leafIndex={view.entry}
            tree={found?.tree}
            trust={trust}
            onOpen={open}
          />
        )}
      </main>
    </div>
  );
}

/** The tree of the last entry that was logged while the log is followed, else that of the result. */
function useNewestTree(tree: SignedTree | undefined, { shown: [newest] }: Live): SignedTree | undefined {
  return useMemo(() => {
    const { proof, checkpoint } = newest ?? {};
    if (tree === undefined || proof === undefined || checkpoint === undefined) return tree;
    return { ...tree, treeSize: proof.treeSize, hash: proof.rootHash, checkpoint };
  }, [tree, newest]);
}

/** `/` leads to the search box from anywhere but a field. */
function useSearchKey(): void {
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const from = event.composedPath()[0];
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isField(from)) return;
      event.preventDefault();
      window.dispatchEvent(new Event("auditql:search"));
    };
    window.addEventListener("keydown", focus);
    return () => {
      window.removeEventListener("keydown", focus);
    };
  }, []);
}

function isField(target: EventTarget | undefined): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
  );
}
