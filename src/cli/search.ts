import type { TreeEntry } from "../audit/service.js";
import { isPlainObject } from "../core/json.js";
import { apiUrl, ask, credential, type Gateway, type Members } from "./api.js";
import { entryIn, entryPrinter, type EntryStyle } from "./entry-printer.js";
import { CommandError, explanation, type Output } from "./output.js";

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
}

const SEARCHED = 0;
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
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

/** Prints what a search finds. Returns the exit code: 0 searched, 2 it could not be, or not to the end. Rejects never. */
export async function searchLog(
  query: string,
  flags: SearchFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const print = entryPrinter(flags.style, output);
    let count = 0;
    for await (const page of pages(gateway, query, flags)) {
      await print(page);
      count += page.length;
    }
    if (count === 0) output.note("nothing was found");
    return SEARCHED;
  } catch (error) {
    output.note(`cannot search: ${explanation(error)}`);
    return IMPOSSIBLE;
  }
}

async function* pages(gateway: Gateway, query: string, flags: SearchFlags): AsyncGenerator<readonly TreeEntry[]> {
  const { log, since: start, until: end, order } = flags;
  const window = start === undefined && end === undefined ? undefined : { start, end };
  const search = { query, log, window, direction: order === "oldest" ? "ASC" : "DESC" };
  let [left, after] = [flags.limit, undefined as string | undefined];
  while (left > 0) {
    const variables = { ...search, first: Math.min(PAGE, left), after };
    const answer = await ask(gateway, { query: SEARCH, variables, maxBytes: MAX_PAGE_BYTES });
    const page = pageIn(answer["search"], gateway);
    yield page.entries;
    left -= page.entries.length;
    after = page.after;
    if (after === undefined) return;
  }
}

function pageIn(
  value: unknown,
  { url }: Gateway,
): { readonly entries: readonly TreeEntry[]; readonly after: string | undefined } {
  const { edges, pageInfo }: Members = isPlainObject(value) ? value : {};
  if (!Array.isArray(edges) || !isPlainObject(pageInfo)) throw new CommandError(`${url.href} answered without entries`);
  const { hasNextPage, endCursor } = pageInfo;
  return {
    entries: edges.map((edge: unknown) => entryIn(isPlainObject(edge) ? edge["node"] : undefined)),
    after: hasNextPage === true && typeof endCursor === "string" ? endCursor : undefined,
  };
}
