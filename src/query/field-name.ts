import { EVENT_FIELDS, type EventField } from "../core/event.js";

/** Returns the field of a name in queries and restrictions: its hashed name, or its spelling in the GraphQL API. */
export function fieldNamed(name: string): EventField | undefined {
  return name === "tenantId" ? "tenant_id" : EVENT_FIELDS.find((field) => field === name);
}

/** A short name is like many words: one of these may differ by one letter. */
const SHORT = 5;

/** The field that a name misspells, such as `Actor`, `mesage` or `tenant`; undefined for any other word. */
export function fieldMeant(name: string): EventField | undefined {
  const plain = plainName(name);
  return EVENT_FIELDS.find((field) => {
    const right = plainName(field);
    if (right === plain || field === `${plain}_id`) return true;
    return right.length > 3 && isWithin(right.length > SHORT ? 2 : 1, right, plain);
  });
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

/** Whether `edits` letters left out, added or exchanged make the one text of the other. */
function isWithin(edits: number, a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  const [left, right] = [a.slice(same), b.slice(same)];
  if (left === "" || right === "") return left.length + right.length <= edits;
  if (edits === 0) return false;
  return (
    isWithin(edits - 1, left.slice(1), right) ||
    isWithin(edits - 1, left, right.slice(1)) ||
    isWithin(edits - 1, left.slice(1), right.slice(1)) ||
    (left[0] === right[1] && left[1] === right[0] && isWithin(edits - 1, left.slice(2), right.slice(2)))
  );
}
