import { BREAK, visit, type DocumentNode } from "graphql";

const SCHEMA_FIELDS: ReadonlySet<string> = new Set(["__schema", "__type", "_service"]);
const known = new WeakMap<DocumentNode, boolean>();

/** Whether a document asks what the schema is, by introspection or by the subgraph's text of it. */
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

/** The message without graphql-js's guesses at what was meant, which tell the schema's names to who may not see it. */
export function withoutSuggestion(message: string): string {
  return message.replace(/ Did you mean [\s\S]*\?$/, "");
}
