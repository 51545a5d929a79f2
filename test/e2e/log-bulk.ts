import type { TreeClaim } from "../../src/core/claim.js";
import { graphqlRequest } from "../gateway.js";
import type { StoredEntry } from "./log-reader.js";

const LOG = /* GraphQL */ `
  mutation Log($events: [AuditEventInput!]!, $key: String) {
    logBulk(events: $events, idempotencyKey: $key) {
      entries {
        leafIndex
        hash
        canonical
      }
      root {
        treeSize
        hash
      }
    }
  }
`;

/** What is logged: no two have the same message and actor. */
export interface SentEvent {
  readonly message: string;
  readonly actor: string;
}

/** `key`: the idempotency key, null for a request that is sent once. */
export interface LogBulk {
  readonly events: readonly SentEvent[];
  readonly key: string | null;
}

/** What a gateway acknowledged: a judge compares it with what the log holds in the end. */
export interface Receipt {
  readonly entries: readonly StoredEntry[];
  readonly root: TreeClaim;
}

/** Asks a gateway once to log events. Rejects where there is no answer: nobody knows then whether they are in the log. */
export function logBulk(gateway: string, { events, key }: LogBulk) {
  return graphqlRequest<{ readonly logBulk: Receipt }>(gateway, LOG, { events, key });
}
