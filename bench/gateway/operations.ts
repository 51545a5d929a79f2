import type { TimeWindow } from "../../src/query/time.js";
import type { Operation } from "./load.js";
import { eventAt } from "../events.js";

export const TYPENAME: Operation = { query: "{ __typename }" };

export const ROOT: Operation = { query: "{ root { treeSize hash checkpoint } }" };

/** One event in; its place, inclusion proof and a signed checkpoint out. */
export const LOG: Operation = {
  query: `mutation Log($event: AuditEventInput!) {
    log(event: $event) {
      entry { leafIndex hash receivedAt }
      membershipProof { leafIndex treeSize rootHash path }
      root { treeSize hash checkpoint }
    }
  }`,
  variables: { event: eventAt(1) },
};

export function logBulk(start: number, count: number): Operation {
  return {
    query: "mutation LogBulk($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize hash } } }",
    variables: { events: Array.from({ length: count }, (_, i) => eventAt(start + i)) },
  };
}

const EVENT = "event { message actor action new old source status target timestamp tenantId }";
const VERDICT = "{ status reason }";
const VERIFICATION = `verification { hash ${VERDICT} signature ${VERDICT} membership ${VERDICT} consistency ${VERDICT} }`;

/** A page of 50 with all event fields, of what is searched for in a window of time: by default what many entries match. */
export function search(verified: boolean, query = "status:failed", window?: TimeWindow): Operation {
  return {
    query: `query Page($query: String!, $window: AuditTimeWindow) {
      search(query: $query, window: $window, first: 50) {
        resultId pageInfo { hasNextPage endCursor }
        edges { cursor node { id leafIndex hash receivedAt ${EVENT} } ${verified ? VERIFICATION : ""} }
      }
    }`,
    variables: { query, ...(window && { window }) },
  };
}

export const NEWEST_MESSAGE: Operation = { query: "{ search(first: 1) { nodes { leafIndex } } }" };
