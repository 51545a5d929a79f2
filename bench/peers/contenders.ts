import { eventAt } from "../events.js";
import type { Operation } from "../gateway/load.js";
import { LOG, logBulk, search } from "../gateway/operations.js";

/** Somebody who can be asked the same things. */
export interface Contender {
  readonly name: string;
  readonly url: string;
  readonly log: Operation;
  logBulk(start: number, count: number): Operation;
  /** A page of 50, newest first, with every field and its cursor. */
  search(query: string): Operation;
}

export function ours(name: string, url: string): Contender {
  return { name, url, log: LOG, logBulk, search: (query) => search(false, query) };
}

const FIELDS = "message actor action new old source status target timestamp tenantId";

/** The functions of table.sql as PostGraphile's Amber preset names them. */
export function postgraphile(url: string): Contender {
  return {
    ...{ name: "PostGraphile", url },
    log: {
      query: "mutation Log($event: JSON!) { logEvent(input: { event: $event }) { result { rowId hash receivedAt } } }",
      variables: { event: eventAt(1) },
    },
    logBulk: (start, count) => ({
      query: "mutation LogBulk($events: JSON!) { logEvents(input: { events: $events }) { result } }",
      variables: { events: Array.from({ length: count }, (_, i) => eventAt(start + i)) },
    }),
    search: (query) => ({
      query: `query Page($query: String!) {
        searchEntries(query: $query, first: 50) {
          pageInfo { hasNextPage endCursor }
          edges { cursor node { id rowId hash receivedAt ${FIELDS} } }
        }
      }`,
      variables: { query },
    }),
  };
}
