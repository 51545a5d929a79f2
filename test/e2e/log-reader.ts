import { parseVerifierKey } from "../../src/core/checkpoint.js";
import type { EntryClaim, RootClaim } from "../../src/core/claim.js";
import { base64 } from "../../src/core/bytes.js";
import type { FormatName } from "../../src/core/format.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { trustLog, type TrustedLog } from "../../src/core/verify.js";
import { graphqlData } from "../gateway.js";

/** The largest page the API gives. */
const PAGE = 1000;

const IDENTITY = /* GraphQL */ `
  query Identity {
    root {
      origin
      publicKey
    }
  }
`;

const ENTRIES = /* GraphQL */ `
  query Entries($first: Int!, $after: String) {
    search(orderBy: { field: RECEIVED_AT, direction: ASC }, first: $first, after: $after) {
      nodes {
        leafIndex
        hash
        canonical
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const ROOT = /* GraphQL */ `
  query ProvenRoot($fromSize: AuditTreeSize!) {
    root {
      treeSize
      hash
      checkpoint
      consistencyProof(fromSize: $fromSize) {
        fromSize
        toSize
        fromHash
        toHash
        path
      }
    }
  }
`;

/** An entry as the tests compare it. */
export type StoredEntry = Pick<EntryClaim, "leafIndex" | "hash" | "canonical">;

interface EntryPage {
  readonly search: {
    readonly nodes: readonly StoredEntry[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** The default log of a gateway as core's verifier trusts it; the test stands for the auditor who got the key in person. */
export async function trustDefaultLog(url: string, format: FormatName): Promise<TrustedLog> {
  const { root } = await graphqlData<{ root: { origin: string; publicKey: string } }>(url, IDENTITY);
  const key = parseVerifierKey(root.publicKey, nobleEd25519);
  if (key === undefined) throw new Error(`the gateway's key is no verifier key: ${root.publicKey}`);
  return trustLog({ format, origin: root.origin, publicKey: base64(key.publicKey) });
}

/** Every entry of the default log, in log order, read page by page. */
export async function readEntries(url: string): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (let after: string | null = null, more = true; more;) {
    const { search }: EntryPage = await graphqlData<EntryPage>(url, ENTRIES, { first: PAGE, after });
    entries.push(...search.nodes);
    after = search.pageInfo.endCursor;
    more = search.pageInfo.hasNextPage;
  }
  return entries;
}

/** The newest root of the default log, with the proof that it extends the tree of `fromSize` entries. */
export async function readRoot(url: string, fromSize: number): Promise<RootClaim> {
  return (await graphqlData<{ root: RootClaim }>(url, ROOT, { fromSize })).root;
}
