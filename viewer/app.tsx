import { useCallback, useEffect, useMemo, useState, type ReactElement } from "react";
import { addressOf, useView } from "./address.js";
import { keepCredential, keptCredential } from "./credential.js";
import { Entries } from "./entries.js";
import { Frame } from "./frame.js";
import { Gateway } from "./gateway.js";
import { TrustMemory } from "./kept-trust.js";
import { MountProvider, type Mount } from "./mount.js";
import { SearchForm } from "./search-form.js";
import { SignIn } from "./sign-in.js";
import { StatusLine } from "./status-line.js";
import { TimeLine } from "./time-line.js";
import { TopBar } from "./top-bar.js";
import { TopValues } from "./top-values.js";
import { useReading } from "./use-reading.js";

/** The page: what the address asks for, and one entry of it beside it. */
export function App(): ReactElement {
  const [credential, setCredential] = useState(keptCredential);
  const [visit, setVisit] = useState(0);
  const use = useCallback((text: string) => {
    keepCredential(text);
    setCredential(keptCredential());
    setVisit((visits) => visits + 1);
  }, []);
  const mount = useMemo(() => mountOf(credential), [credential]);
  return (
    <MountProvider value={mount}>
      <Viewer key={visit} credential={credential} onCredential={use} />
    </MountProvider>
  );
}

/** The gateway that sent the page; relative, so that it also works where a proxy puts the gateway below a path. */
function mountOf(credential: string): Mount {
  const url = new URL("graphql", document.baseURI).href;
  return {
    gateway: new Gateway(url, credential === "" ? undefined : () => credential),
    memory: new TrustMemory("auditql:trust:"),
    ...{ restriction: undefined, addressOf, overlay: null },
  };
}

interface ViewerProps {
  readonly credential: string;
  readonly onCredential: (text: string) => void;
}

function Viewer({ credential, onCredential }: ViewerProps): ReactElement {
  const [view, navigate] = useView();
  const reading = useReading(view);
  const { result, live, trust, seen } = reading;
  const { found, failure } = result;
  useSearchKey();
  const refused = [failure, live.failure].find((one) => one?.kind === "credential");
  if (refused !== undefined)
    return <SignIn isRefused={credential !== ""} message={refused.message} onCredential={onCredential} />;
  const shared = { view, navigate };
  const signOut = (): void => {
    onCredential("");
  };
  return (
    <Frame>
      <TopBar {...shared} live={live} found={found} onSignOut={credential === "" ? undefined : signOut} />
      <SearchForm {...shared} failure={failure} seen={seen} onSearchAgain={result.searchAgain} />
      <StatusLine log={view.log} result={result} trust={trust} live={live}>
        {found !== undefined && (
          <button
            type="button"
            aria-pressed={view.values}
            onClick={() => {
              navigate({ values: !view.values }, "replace");
            }}
          >
            Top values
          </button>
        )}
      </StatusLine>
      <TimeLine {...shared} found={found} />
      <main className="columns">
        {view.values && <TopValues {...shared} found={found} />}
        <Entries {...shared} reading={reading} />
      </main>
    </Frame>
  );
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
