import { hasCode } from "../audit/errors.js";
import type { TreeEntry } from "../audit/service.js";
import { isPlainObject } from "../core/json.js";
import { apiUrl, ask, credential, type Gateway, type Members } from "./api.js";
import { entryIn, entryPrinter, type EntryStyle } from "./entry-printer.js";
import { CommandError, explanation, type Output } from "./output.js";
import { COMPLETENESS } from "./proven-pages.js";
import { customFieldsOf } from "./schema-file.js";
import { NotProvenError, ProvenSearch } from "./proven-search.js";

export interface SearchFlags {
  readonly url: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly limit: number;
  readonly order: "newest" | "oldest";
  /** RFC 3339 times, or relative to now such as `7d`. */
  readonly since?: string;
  readonly until?: string;
  readonly style: EntryStyle;
  /** Whether to print only what is proven to be in the log, and to leave no match out, under the log's verifier key. */
  readonly prove?: boolean;
  readonly key?: string;
  /** A file with the schema of the log, which `prove` must not take from the gateway. */
  readonly schema?: string;
}

const SEARCHED = 0;
const NOT_PROVEN = 1;
const IMPOSSIBLE = 2;
const PAGE = 100;
/** Of a page: each entry may have a mebibyte, which JSON may escape. */
const MAX_PAGE_BYTES = 256 * 2 ** 20;

const SEARCH = /* GraphQL */ `
  query Search(
    $query: String!
    $log: ID
    $first: Int!
    $after: String
    $window: AuditTimeWindow
    $direction: AuditOrderDirection!
    $prove: Boolean!
  ) {
    search(
      query: $query
      log: $log
      first: $first
      after: $after
      window: $window
      orderBy: { field: RECEIVED_AT, direction: $direction }
    ) {
      edges {
        node {
          leafIndex
          hash
          canonical
        }
        membershipProof @include(if: $prove) {
          leafIndex
          treeSize
          leafHash
          rootHash
          path
        }
      }
      completeness @include(if: $prove) {
        ...Completeness
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
  ${COMPLETENESS}
`;

/**
 * Prints what a search finds. Returns the exit code: 0 searched, and proven where that was asked for; 1 a page is not proven,
 * and it is not printed; 2 it could not be searched, or not to the end. Rejects never.
 */
export async function searchLog(
  query: string,
  flags: SearchFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const print = entryPrinter(flags.style, output);
    const proven = await provenSearch(query, flags);
    let count = 0;
    for await (const page of pages(gateway, query, { ...flags, proven })) {
      await print(page);
      count += page.length;
    }
    if (count === 0) output.note("nothing was found");
    if (proven !== undefined) output.note(`proven: ${proven.words}`);
    return SEARCHED;
  } catch (error) {
    if (hasCode(error, "EPIPE")) return SEARCHED; // who reads has seen enough
    const isRefuted = error instanceof NotProvenError;
    output.note(`${isRefuted ? "not proven, and not printed" : "cannot search"}: ${explanation(error)}`);
    return isRefuted ? NOT_PROVEN : IMPOSSIBLE;
  }
}

async function provenSearch(query: string, flags: SearchFlags): Promise<ProvenSearch | undefined> {
  const { prove, key, since, until, order, schema } = flags;
  if (prove !== true) return undefined;
  if (key === undefined) throw new CommandError("--prove: give the log's verifier key with --key");
  const customFields = await customFieldsOf(schema);
  return new ProvenSearch(key, { query, since, until, descending: order === "newest", customFields });
}

interface Paging extends SearchFlags {
  readonly proven: ProvenSearch | undefined;
}

async function* pages(gateway: Gateway, query: string, flags: Paging): AsyncGenerator<readonly TreeEntry[]> {
  const { log, since: start, until: end, order, proven } = flags;
  const window = start === undefined && end === undefined ? undefined : { start, end };
  const search = { query, log, window, direction: order === "oldest" ? "ASC" : "DESC", prove: proven !== undefined };
  let [left, after] = [flags.limit, undefined as string | undefined];
  while (left > 0) {
    const first = Math.min(PAGE, left);
    const variables = { ...search, first, after };
    const { search: connection } = await ask(gateway, { query: SEARCH, variables, maxBytes: MAX_PAGE_BYTES });
    const { entries, hasNextPage, endCursor } = pageIn(connection, gateway);
    proven?.require(connection, { first, hasNextPage });
    if (hasNextPage && entries.length === 0)
      throw new CommandError(`${gateway.url.href} answered with an empty page, and says that it is not the last`);
    yield entries;
    left -= entries.length;
    after = endCursor;
    // That nothing follows a full page, only the proof of an empty one shows.
    if (!hasNextPage && (proven === undefined || entries.length < first)) return;
  }
}

interface Page {
  readonly entries: readonly TreeEntry[];
  readonly hasNextPage: boolean;
  readonly endCursor: string | undefined;
}

function pageIn(value: unknown, { url }: Gateway): Page {
  const { edges, pageInfo }: Members = isPlainObject(value) ? value : {};
  if (!Array.isArray(edges) || !isPlainObject(pageInfo)) throw new CommandError(`${url.href} answered without entries`);
  const { hasNextPage, endCursor } = pageInfo;
  return {
    entries: edges.map((edge: unknown) => entryIn(isPlainObject(edge) ? edge["node"] : undefined)),
    hasNextPage: hasNextPage === true && typeof endCursor === "string",
    endCursor: typeof endCursor === "string" ? endCursor : undefined,
  };
}
