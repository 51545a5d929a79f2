import { useGraphiQL, useGraphiQLActions, useMonaco } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createElement, Fragment, useEffect, useRef, useState, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { CredentialBar, keptCredential } from "./credential-bar.js";
import { explainEmptyDocumentation } from "./documentation.js";
import { exampleTabs } from "./example-tabs.js";
import { fetcherOf, HEADERS, isRefused } from "./fetcher.js";
import "./editor-workers.js";

/** Relative, so that the page also works where a proxy puts the gateway below a path. */
const GRAPHQL_URL = new URL("../graphql", window.location.href).href;

const frame = document.getElementById("graphiql");
if (frame === null) throw new Error("index.html has no element #graphiql");

/** GraphiQL takes the variables of its first tab from here alone; later it remembers what was in each tab itself. */
function firstVariables(): { readonly initialVariables?: string } {
  const [first] = exampleTabs;
  const isFirstVisit = localStorage.getItem("graphiql:tabState") === null;
  return isFirstVisit && first !== undefined ? { initialVariables: first.variables } : {};
}

/** Reads the schema again, as the credential may see it, and clears what was said to the one before; drawn beside the name. */
function SchemaReader({ credential }: { readonly credential: string }): ReactElement {
  const actions = useGraphiQLActions();
  const response = useGraphiQL((state) => state.responseEditor);
  const read = useRef(credential);
  useEffect(() => {
    if (read.current === credential) return;
    read.current = credential;
    response?.setValue("");
    void actions.introspect();
  }, [credential, actions, response]);
  return createElement(Fragment, null, "AuditQL");
}

/** Long lines go on below, as in the response: a phone, or a page with its documentation open, would cut them. */
function WrappedLines(): ReactElement {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    const wrap = (editor: { updateOptions(options: { wordWrap: "on" }): void }): void => {
      editor.updateOptions({ wordWrap: "on" });
    };
    monaco?.editor.getEditors().forEach(wrap);
    const later = monaco?.editor.onDidCreateEditor(wrap);
    return () => later?.dispose();
  }, [monaco]);
  return createElement(Fragment);
}

const fetcher = fetcherOf(GRAPHQL_URL, keptCredential);

function Page(): ReactElement {
  const [credential, setCredential] = useState(keptCredential);
  const [refused, setRefused] = useState(false);
  useEffect(() => void isRefused(GRAPHQL_URL, credential).then(setRefused), [credential]);
  return createElement(
    Fragment,
    null,
    (refused || credential !== "") && createElement(CredentialBar, { isRefused: refused, onCredential: setCredential }),
    createElement(
      GraphiQL,
      {
        fetcher,
        defaultTabs: [...exampleTabs],
        defaultEditorToolsVisibility: "variables",
        defaultHeaders: HEADERS,
        ...firstVariables(),
      },
      createElement(GraphiQL.Logo, null, createElement(SchemaReader, { credential }), createElement(WrappedLines)),
    ),
  );
}

explainEmptyDocumentation();
createRoot(frame).render(createElement(Page));
