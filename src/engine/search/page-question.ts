import { badInput, type AuditError } from "../../audit/errors.js";
import type { ProvablePage } from "../../audit/proofs.js";
import type { Question } from "../../core/segment/answer.js";
import type { SearchArguments } from "./pin.js";

/**
 * What of a question makes a page of its answer. A page begins behind the match before it; one that was asked for from the
 * end is read backwards, from the match behind it. Where the result ends inside the page, the limit is what was asked for,
 * so that the answer says that nothing follows.
 */
export async function pageQuestion(
  page: ProvablePage,
  { order, maxResults }: Pick<SearchArguments, "order" | "maxResults">,
  leafAt: (position: number) => Promise<number | undefined>,
): Promise<Pick<Question, "after" | "descending" | "wanted">> {
  const { firstPosition, leafIndexes, size, hasNextPage, hasPreviousPage } = page;
  if (size === undefined) throw new TypeError("not a page of this service");
  const shown = leafIndexes.length;
  const end = firstPosition + shown;
  const descending = (order.direction === "desc") !== size.isFromEnd;
  const goesOn = size.isFromEnd ? hasPreviousPage : hasNextPage || end >= (maxResults ?? Infinity);
  const limit = goesOn ? shown : Math.max(shown, size.limit);
  const after = size.isFromEnd ? await leafAt(end) : firstPosition > 0 ? await leafAt(firstPosition - 1) : undefined;
  if (after === undefined && !size.isFromEnd && firstPosition > 0) throw behindTheEnd(firstPosition);
  return { after, descending, wanted: { kind: "page", limit } };
}

/** The leaves of a page as its question has them. */
export function leavesAsked({ leafIndexes, size }: ProvablePage): readonly number[] {
  return size?.isFromEnd === true ? [...leafIndexes].reverse() : leafIndexes;
}

export function notInLeafOrder(field: string): AuditError {
  const expected = "RECEIVED_AT, the one order whose pages can be proven complete, or completeness(of: TOTAL_COUNT)";
  return badInput([{ path: "orderBy.field", expected, got: field.toUpperCase() }]);
}

function behindTheEnd(position: number): AuditError {
  const expected = "a page that begins inside the result";
  return badInput([{ path: "offset", expected, got: String(position) }]);
}
