import { textOf } from "./entry.js";
import { isDamaged, type Found } from "./use-result.js";

const FIELDS = ["actor", "action", "target", "source", "status", "tenant_id"] as const;
const MOST = 100;
const LONGEST = 100;

/** Values of each field that the page has shown, for the search box to complete. */
export type ValuesSeen = ReadonlyMap<string, ReadonlySet<string>>;

export function valuesSeen(found: Found | undefined): ValuesSeen {
  const rows = [...(found?.pages.values() ?? [])].flat().flatMap((row) => (isDamaged(row) ? [] : [row]));
  return new Map(
    FIELDS.map((field) => {
      const texts = rows
        .map(({ event }) => textOf(event[field]))
        .filter((text) => text !== "" && text.length <= LONGEST);
      return [field, new Set([...new Set(texts)].slice(0, MOST))] as const;
    }),
  );
}
