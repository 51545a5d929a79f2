import { DOC_EXPLORER_PLUGIN, DocExplorer } from "@graphiql/plugin-doc-explorer";
import { useGraphiQL } from "@graphiql/react";
import { createElement, type ReactElement } from "react";

/** Has GraphiQL's documentation say why it is empty, instead of "Error fetching schema". GraphiQL knows its plugin by identity. */
export function explainEmptyDocumentation(): void {
  DOC_EXPLORER_PLUGIN.content = Documentation;
}

function Documentation(): ReactElement {
  const failure = useGraphiQL((state) => state.fetchError);
  if (failure === null) return createElement(DocExplorer);
  return createElement(
    "section",
    { className: "graphiql-doc-explorer" },
    createElement("div", { className: "graphiql-doc-explorer-title" }, "Docs"),
    createElement("p", { role: "status" }, "Nothing is here, because the gateway did not tell its schema. It said: "),
    createElement("p", { className: "graphiql-doc-explorer-error" }, reasonOf(failure)),
  );
}

/** What GraphiQL shows of a failure is JSON: a response of the gateway, or an error of the browser's. */
function reasonOf(failure: string): string {
  const { errors, message = failure } = parsed(failure);
  return errors?.map((error) => error.message).join("\n") ?? message;
}

interface Failure {
  readonly message?: string;
  readonly errors?: readonly { readonly message: string }[];
}

function parsed(text: string): Failure {
  try {
    return JSON.parse(text) as Failure;
  } catch {
    return { message: text };
  }
}
