import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { exampleTabs } from "./example-tabs.js";
import { fetcherOf } from "./fetcher.js";
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

createRoot(frame).render(
  createElement(
    GraphiQL,
    {
      fetcher: fetcherOf(GRAPHQL_URL),
      defaultTabs: [...exampleTabs],
      defaultEditorToolsVisibility: "variables",
      ...firstVariables(),
    },
    createElement(GraphiQL.Logo, null, "AuditQL"),
  ),
);
