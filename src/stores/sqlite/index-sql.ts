import type { EntryOrder, SortedField } from "../../query/order.js";
import { WALKED_FIELDS } from "./index-file.js";

/** FTS5 uses a bound of the row id only when it is an integer, and numbers are bound as REAL. */
const MATCHES = "search MATCH ? AND search.rowid >= CAST(? AS INTEGER) AND search.rowid < CAST(? AS INTEGER)";

/** Below this many entries, sorting them is cheaper than walking a whole log in the order of a field. */
const MIN_WALKED_ENTRIES = 20_000;

/** What a page is read from. */
export interface Span {
  /** How many lie between the two ids. */
  readonly entries: number;
  /** It begins behind a place in the order of a field, not at the order's beginning. */
  readonly isBehind: boolean;
}

/** Values: match expression, first id, end id; behind a place its sort key and id; limit, offset. */
export function pageOfMatches({ field, direction }: EntryOrder, { isBehind }: Pick<Span, "isBehind">): string {
  if (field === "received_at")
    return `SELECT rowid id FROM search WHERE ${MATCHES} ORDER BY rowid ${direction} LIMIT ? OFFSET ?`;
  // CROSS JOIN keeps the planner from walking all of `docs` and asking FTS5 about each row.
  return `SELECT docs.id id FROM search CROSS JOIN docs ON docs.id = search.rowid WHERE ${MATCHES}
    ${isBehind ? behind({ field, direction }) : ""} ${ordered({ field, direction })}`;
}

/** Values: first id, end id; behind a place its sort key and id; limit, offset. */
export function pageOfEverything({ field, direction }: EntryOrder, { entries, isBehind }: Span): string {
  if (field === "received_at")
    return `SELECT id FROM docs WHERE id >= ? AND id < ? ORDER BY id ${direction} LIMIT ? OFFSET ?`;
  const walks = WALKED_FIELDS.includes(field) && entries >= MIN_WALKED_ENTRIES;
  // The unary plus keeps the planner from collecting the range by id and sorting it.
  const id = walks ? "+id" : "id";
  return `SELECT id FROM docs WHERE ${id} >= ? AND ${id} < ?
    ${isBehind ? behind({ field, direction }) : ""} ${ordered({ field, direction })}`;
}

/** Value: id. */
export function sortKeyOf(field: SortedField): string {
  return `SELECT CAST("${field}" AS BLOB) key FROM docs WHERE id = ?`;
}

/** The order of a field, which is that of its sort keys and, where these are the same, of the ids. */
interface FieldOrder {
  readonly field: SortedField;
  readonly direction: EntryOrder["direction"];
}

function behind({ field, direction }: FieldOrder): string {
  return `AND (docs."${field}", docs.id) ${direction === "asc" ? ">" : "<"} (?, ?)`;
}

function ordered({ field, direction }: FieldOrder): string {
  return `ORDER BY docs."${field}" ${direction}, docs.id ${direction} LIMIT ? OFFSET ?`;
}

/** Values: match expression, first id, end id, cap. */
export const COUNT_MATCHES = `SELECT count(*) matches FROM (SELECT 1 FROM search WHERE ${MATCHES} LIMIT ?)`;

/** Values: first id, end id, cap. */
export const COUNT_EVERYTHING = "SELECT count(*) matches FROM (SELECT 1 FROM docs WHERE id >= ? AND id < ? LIMIT ?)";

/** Values: match expression, first id, end id. */
export const ALL_MATCHES = `SELECT rowid id FROM search WHERE ${MATCHES} ORDER BY rowid`;
