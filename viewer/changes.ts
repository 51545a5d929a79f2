import diff from "microdiff";
import { isPlainObject, type Json } from "../src/core/json.js";
import { objectOf } from "./entry.js";

export interface Change {
  readonly kind: "added" | "removed" | "changed";
  /** Such as `amount.eur` or `roles[0]`; the empty text: the whole value. */
  readonly path: string;
  readonly old: Json | undefined;
  readonly new: Json | undefined;
}

const KINDS = { CREATE: "added", REMOVE: "removed", CHANGE: "changed" } as const;

/** What differs between the state before and after, member by member. */
export function changesOf(before: Json | undefined, after: Json | undefined): readonly Change[] {
  const [old, now] = [before, after].map((value) => (value === undefined ? {} : { value: objectOf(value) }));
  if (old === undefined || now === undefined) return [];
  return diff({ ...membersOf(old) }, { ...membersOf(now) }, { cyclesFix: false }).map((found) => ({
    kind: KINDS[found.type],
    path: pathOf(found.path),
    old: found.type === "CREATE" ? undefined : (found.oldValue as Json),
    new: found.type === "REMOVE" ? undefined : (found.value as Json),
  }));
}

/** Members of an object stand for themselves: a state that appears as a whole is shown member by member. */
function membersOf(side: { readonly value?: Json }): Readonly<Record<string, unknown>> {
  const { value } = side;
  if (value === undefined) return {};
  return isPlainObject(value) ? value : { "": value };
}

function pathOf(path: readonly (string | number)[]): string {
  return path.map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? key : `.${key}`)).join("");
}
