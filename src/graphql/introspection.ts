import { BREAK, visit, type DocumentNode } from "graphql";

const SCHEMA_FIELDS: ReadonlySet<string> = new Set(["__schema", "__type", "_service"]);
const known = new WeakMap<DocumentNode, boolean>();

/** Whether a document asks for the schema, by introspection or by the subgraph's text of it. */
export function asksForSchema(document: DocumentNode): boolean {
  const asks = known.get(document) ?? searchSchemaField(document);
  known.set(document, asks);
  return asks;
}

function searchSchemaField(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field({ name }) {
      found ||= SCHEMA_FIELDS.has(name.value);
      return found ? BREAK : undefined;
    },
  });
  return found;
}

/** Removes graphql-js's suggestions from a message: they reveal the schema's names to those who may not see it. */
export function withoutSuggestion(message: string): string {
  return message.replace(/ Did you mean [\s\S]*\?$/, "");
}
