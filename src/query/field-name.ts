import { EVENT_FIELDS, type EventField, type FieldName } from "../core/event.js";

/**
 * Returns the field of a name in queries and restrictions: its hashed name, or its spelling in the GraphQL API, or one of the
 * log's own fields.
 */
export function fieldNamed(name: string, custom: readonly FieldName[] = []): FieldName | undefined {
  if (name === "tenantId") return "tenant_id";
  return EVENT_FIELDS.find((field) => field === name) ?? custom.find((field) => field === name);
}

/** A short name is like many words: one of these may differ by one letter, and a shorter one by none. */
const SHORT = 5;

/** The field that a name misspells, such as `Actor`, `mesage` or `tenant`; undefined for any other word. */
export function fieldMeant(name: string): EventField | undefined {
  const plain = plainName(name);
  return EVENT_FIELDS.find((field) => {
    const right = plainName(field);
    if (right === plain || field === `${plain}_id`) return true;
    return right.length >= SHORT && isWithin(right.length > SHORT ? 2 : 1, right, plain);
  });
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

/** Whether `edits` letters left out, added, exchanged or put the other way round make the one text of the other. */
function isWithin(edits: number, a: string, b: string): boolean {
  if (a === b) return true;
  if (a[0] === b[0]) return isWithin(edits, a.slice(1), b.slice(1));
  if (edits === 0) return false;
  return (
    isWithin(edits - 1, a.slice(1), b) ||
    isWithin(edits - 1, a, b.slice(1)) ||
    isWithin(edits - 1, a.slice(1), b.slice(1)) ||
    (a[0] === b[1] && a[1] === b[0] && isWithin(edits - 1, a.slice(2), b.slice(2)))
  );
}
