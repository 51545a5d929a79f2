import { isPlainObject } from "../core/json.js";
import { ask, type Gateway, type Members } from "./api.js";
import { CommandError } from "./output.js";

/** Entries of one proof: the most that a page has. */
const PAGE = 1_000;
/** A proof's 16 MiB as base64, and what is beside it. */
const MAX_PAGE_BYTES = 23 * 2 ** 20;
/** What `auditql verify` keeps of proofs and roots. */
const MAX_PROOFS_BYTES = 15 * 2 ** 20;

/** What `verifyCompleteness` reads of a proof. */
export const COMPLETENESS = /* GraphQL */ `
  fragment Completeness on AuditCompletenessProof {
    question
    proof
    root {
      checkpoint
    }
    index {
      checkpoint
    }
  }
`;

const PROVEN_PAGE = /* GraphQL */ `
  query ProvenPage($id: ID!, $after: String) {
    page: results(id: $id, first: 1000, after: $after) {
      totalCount
      pageInfo {
        endCursor
      }
      completeness {
        ...Completeness
      }
    }
  }
  ${COMPLETENESS}
`;

/**
 * Proofs that a result leaves nothing out, page behind page: each begins where the one before it ended, and the last one
 * says that nothing follows. Throws CommandError.
 */
export async function provenPages(gateway: Gateway, id: string): Promise<readonly Members[]> {
  const proofs: Members[] = [];
  let [after, left, bytes] = [null as string | null, 0, 0];
  do {
    const variables = { id, after };
    const { page } = await ask(gateway, { query: PROVEN_PAGE, variables, maxBytes: MAX_PAGE_BYTES });
    const info = isPlainObject(page) ? page["pageInfo"] : undefined;
    if (!isPlainObject(page) || !isPlainObject(info) || !isPlainObject(page["completeness"]))
      throw new CommandError(`${gateway.url.href} answered without a proof of completeness`);
    const { completeness, totalCount } = page;
    // A full page says nothing of what follows: one that is not full, if need be an empty one, is the last.
    if (proofs.length === 0) left = 1 + Math.floor((typeof totalCount === "number" ? totalCount : 0) / PAGE);
    proofs.push(completeness);
    bytes += JSON.stringify(completeness).length;
    if (bytes > MAX_PROOFS_BYTES)
      throw new CommandError(`--prove: the proofs have more than ${MAX_PROOFS_BYTES} bytes: save less at once`);
    after = typeof info["endCursor"] === "string" ? info["endCursor"] : after;
    left -= 1;
  } while (left > 0);
  return proofs;
}
