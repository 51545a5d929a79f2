import type { TreeEntry } from "../audit/service.js";
import { parseDigest } from "../core/bytes.js";
import { fieldText } from "../core/event.js";
import { readEnvelope } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import { csvRecord } from "../downloads/csv.js";
import { cells, COLUMNS, entryObject } from "../downloads/row.js";
import { apiUrl, ask, credential, type Gateway, type Members } from "./api.js";
import { CommandError, explanation, type Output } from "./output.js";
import { NotProvenError, ProvenSearch } from "./proven-search.js";

/** How entries are printed. */
export type EntryStyle = "table" | "ndjson" | "csv";

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
        question
        proof
        root {
          checkpoint
        }
        index {
          checkpoint
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
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
    const print = printer(flags.style, output);
    const proven = provenSearch(query, flags);
    let count = 0;
    for await (const page of pages(gateway, query, { ...flags, proven })) {
      await print(page);
      count += page.length;
    }
    if (count === 0) output.note("nothing was found");
    if (proven !== undefined) output.note(`proven: ${proven.words}`);
    return SEARCHED;
  } catch (error) {
    const isRefuted = error instanceof NotProvenError;
    output.note(`${isRefuted ? "not proven, and not printed" : "cannot search"}: ${explanation(error)}`);
    return isRefuted ? NOT_PROVEN : IMPOSSIBLE;
  }
}

function provenSearch(query: string, { prove, key, since, until, order }: SearchFlags): ProvenSearch | undefined {
  if (prove !== true) return undefined;
  if (key === undefined) throw new CommandError("--prove: give the log's verifier key with --key");
  return new ProvenSearch(key, { query, since, until, descending: order === "newest" });
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

/** An entry of an answer. Throws CommandError on what is none. */
function entryIn(node: unknown): TreeEntry {
  const { leafIndex, hash, canonical }: Members = isPlainObject(node) ? node : {};
  const digest = typeof hash === "string" ? parseDigest(hash) : undefined;
  const envelope = typeof canonical === "string" ? readEnvelope(canonical) : undefined;
  if (typeof leafIndex !== "number" || digest === undefined || typeof canonical !== "string" || envelope === undefined)
    throw new CommandError("the gateway answered with what is no entry");
  return { kind: "entry", entry: { log: "", leafIndex, hash: digest, canonical, envelope } };
}

/** Prints entries, batch by batch. */
function printer(style: EntryStyle, { write }: Output): (entries: readonly TreeEntry[]) => Promise<void> {
  let isFirst = true;
  return async (entries) => {
    const head = isFirst && entries.length > 0;
    if (entries.length > 0) isFirst = false;
    switch (style) {
      case "ndjson":
        return write(entries.map((entry) => `${JSON.stringify(entryObject(entry))}\n`).join(""));
      case "csv":
        return write([...(head ? [COLUMNS] : []), ...entries.map(cells)].map(csvRecord).join(""));
      case "table":
        return write([...(head ? [TITLES] : []), ...entries.map(tableCells)].map(tableLine).join(""));
    }
  };
}

const WIDTHS = [9, 20, 16, 16, 16, 9];
const TITLES = ["leafIndex", "receivedAt", "actor", "action", "target", "status", "message"];
const MAX_MESSAGE = 80;

function tableCells(row: TreeEntry): readonly string[] {
  if (row.kind === "corrupt") return [String(row.leafIndex), "", "", "", "", "", "ENTRY_CORRUPT"];
  const { leafIndex, envelope } = row.entry;
  const { actor = "", action = "", target = "", status = "", message } = envelope.event;
  const time = `${envelope.received_at.slice(0, 19)}Z`;
  return [String(leafIndex), time, actor, action, target, status, fieldText(message)];
}

/** What was logged may come from anyone: on a terminal, its control characters could rewrite what is shown. */
function tableLine(row: readonly string[]): string {
  const shown = row.map((cell, at) => {
    const width = WIDTHS[at] ?? MAX_MESSAGE;
    const plain = cell.slice(0, 4 * width).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd");
    const characters = Array.from(plain);
    const cut = characters.length > width ? `${characters.slice(0, width - 1).join("")}…` : plain;
    return at === row.length - 1 ? cut : cut.padEnd(width);
  });
  return `${shown.join("  ")}\n`;
}
