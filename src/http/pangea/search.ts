import { AuditError, strayHit } from "../../audit/errors.js";
import {
  DEFAULT_PAGE_SIZE,
  type Entry,
  type EntryOutcome,
  type ResultPage,
  type SearchRequest,
} from "../../audit/service.js";
import { customNames } from "../../core/event-schema.js";
import { membershipText } from "../../core/proof-text.js";
import { EntryReads } from "../../graphql/context.js";
import { parseQuery } from "../../query/parser.js";
import type { QuerySyntaxError } from "../../query/syntax-error.js";
import type { TimeWindow } from "../../query/time.js";
import { bodiesOf, configOf, type Config } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import { MAX_RESULTS, resultsBody, type Selection } from "./requests.js";
import { wireRoot } from "./roots.js";
import { openSearch, sealSearch } from "./search-id.js";
import { InvalidRequest, StatusError } from "./status.js";

/** The service's default (OpenAPI document). */
const DEFAULT_START = "14d";
/** The most characters of all envelopes of a page. */
const MAX_PAGE_CHARACTERS = 64 * 1_024 * 1_024;

/** POST /v1/search: pins a search, and returns its first page. */
export async function serveSearch(ask: Ask): Promise<Outcome> {
  const body = (await bodiesOf(ask)).search(ask.body);
  const { query = "", limit = DEFAULT_PAGE_SIZE, max_results: maxResults = MAX_RESULTS, verbose = true } = body;
  const restriction = body.search_restriction ?? {};
  const config = await configOf(ask, body.config_id);
  requireQuery(query, config);
  const request = { log: config.log, query, maxResults, restriction, ...selected(body) };
  const page = await ask.service.search(request, { first: limit });
  const { id, expiresAt } = page.result;
  const shown = await wirePage(ask, config, { page, verbose });
  const sealed = sealSearch(ask.shared.sealer, { id, verbose, restriction });
  const summary = `Found ${shown.count} event(s)`;
  return { kind: "success", summary, result: { id: sealed, expires_at: expiresAt, ...shown } };
}

/** POST /v1/results: another page of a search. */
export async function serveResults(ask: Ask): Promise<Outcome> {
  const body = resultsBody(ask.body);
  const { limit: first = DEFAULT_PAGE_SIZE, offset = 0, assert_search_restriction: asserted } = body;
  const { id, verbose } = openSearch(ask.shared.sealer, { id: body.id, path: "id", asserted });
  const page = await ask.service.results(id, { first, offset });
  const { log } = page.result;
  if (body.config_id !== undefined && body.config_id !== log) throw otherConfig(log);
  const shown = await wirePage(ask, await configOf(ask, log), { page, verbose });
  if (offset > shown.count) throw badOffset(offset, shown.count);
  return { kind: "success", summary: `Found ${shown.count} event(s)`, result: shown };
}

/** When the entries of a search were received, and how they are sorted. */
export function selected({ start, end, order, order_by }: Selection): Pick<SearchRequest, "window" | "order"> {
  const window: TimeWindow = {
    ...(start === undefined && end === undefined ? { start: DEFAULT_START } : {}),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
  return { window, order: { field: order_by ?? "received_at", direction: order ?? "desc" } };
}

interface Shown {
  readonly count: number;
  readonly events: readonly object[];
}

/** A page's entries, and with `verbose` the root that the search is pinned to with the proofs that lead to it. */
async function wirePage(
  ask: Ask,
  config: Config,
  { page, verbose }: { readonly page: ResultPage; readonly verbose: boolean },
): Promise<Shown> {
  const { result, leafIndexes } = page;
  const { log, treeSize } = result;
  const reads = new EntryReads(ask.service, MAX_PAGE_CHARACTERS);
  const outcomes = await reads.read(log, leafIndexes);
  const entries = await Promise.all(outcomes.map((outcome, i) => shownEntry(outcome, page, i)));
  const isProven = verbose && treeSize > 0;
  const proofs =
    isProven && leafIndexes.length > 0 ? await ask.service.membershipProofs({ log, treeSize, leafIndexes }) : [];
  const root = isProven ? await wireRoot(ask, config, await ask.service.root(log, treeSize)) : undefined;
  const events = entries.map(({ envelope, hash, leafIndex }, i) => {
    const proof = proofs[i];
    const proven = proof && { membership_proof: membershipText(proof) };
    return { envelope, hash, leaf_index: leafIndex, published: true, ...proven };
  });
  return { count: await result.totalCount(), events, ...(root && { root }) };
}

/** A page of the protocol has every entry or none: it has no word for one that cannot be shown. */
async function shownEntry(outcome: EntryOutcome, { result, leafIndexes }: ResultPage, place: number): Promise<Entry> {
  const { log } = result;
  if (outcome.kind === "entry" && (await result.matches(outcome.entry))) return outcome.entry;
  const leafIndex = leafIndexes[place] ?? -1;
  if (outcome.kind !== "corrupt") throw strayHit(log, leafIndex);
  const message = `Entry ${leafIndex} of the log ${log} was changed in the store: this page cannot be shown.`;
  throw new AuditError("ENTRY_CORRUPT", message);
}

/** Says a syntax error as the service does: its viewer underlines what this points at (protocol section 6.4). */
function requireQuery(query: string, { identity }: Config): void {
  const parsed = parseQuery(query, customNames(identity.schema));
  if (parsed.kind === "parsed") return;
  const detail = lexTokenText(parsed);
  throw new InvalidRequest([{ code: "BadFormat", detail, source: "/query" }], `The query: ${parsed.message}`);
}

const TOKEN_TYPES: Readonly<Record<QuerySyntaxError["token"]["kind"], string>> = {
  ...{ open: "OPAREN", close: "CPAREN", minus: "MINUS", and: "AND", or: "OR", not: "NOT" },
  ...{ word: "WORD", quoted: "QUOTED", field: "FIELD", end: "END", bad: "BAD" },
};
const MAX_TOKEN_CHARACTERS = 64;

function lexTokenText({ token }: QuerySyntaxError): string {
  const text = token.text.slice(0, MAX_TOKEN_CHARACTERS);
  return `syntax error at ${text}: LexToken(${TOKEN_TYPES[token.kind]},'${text}',1,${token.offset})`;
}

function otherConfig(log: string): InvalidRequest {
  const detail = `expected ${log}, the log of the search, got another one`;
  return new InvalidRequest([{ code: "ConfigProjectMismatch", detail, source: "/config_id" }]);
}

function badOffset(offset: number, count: number): StatusError {
  return new StatusError("BAD_USER_INPUT", "BadOffset", `offset: expected at most ${count}, the count, got ${offset}`);
}
