import { badInput } from "../../audit/errors.js";
import { digestOf, utf8 } from "../../core/bytes.js";
import { canonicalJson } from "../../core/json.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { REJECTED_TOKEN, type TokenSealer } from "../../keys/sealed-token.js";
import { restrictedFields, type Restriction } from "../../query/filter.js";
import { InvalidRequest } from "./status.js";

/** What the pages of a search need to know about it. */
export interface SearchClaims {
  /** `PinnedResult.id`. */
  readonly id: string;
  /** Whether its pages have roots and proofs. */
  readonly verbose: boolean;
  readonly restriction: Restriction;
}

export type OpenedSearch = Pick<SearchClaims, "id" | "verbose">;

/** Incremented when the shape of an id changes: ids of another version are refused, not misread. */
const VERSION = 1;
const PREFIX = "pas_";

interface SealedSearch extends OpenedSearch {
  readonly version: typeof VERSION;
  readonly restriction: string;
}

/**
 * The id of a search, longer than Pangea's: every gateway with the same key can use it, and none has to keep it. It is
 * under a MAC, because a program may be handed an id by its user, and asserts how the search was restricted.
 */
export function sealSearch(sealer: TokenSealer, { id, verbose, restriction }: SearchClaims): string {
  const sealed: SealedSearch = { version: VERSION, id, verbose, restriction: restrictionDigest(restriction) };
  return PREFIX + sealer.seal("pangea-search", Buffer.from(JSON.stringify(sealed)));
}

/** A search's id and, if the client asserts one, its restriction. `path` is the member of the request with the id. */
export interface SearchReference {
  readonly id: string;
  readonly path: "id" | "result_id";
  readonly asserted: Restriction | undefined;
}

/**
 * Throws BAD_USER_INPUT for a text that is no search id, and if the search was restricted in another way than asserted.
 */
export function openSearch(sealer: TokenSealer, { id, path, asserted }: SearchReference): OpenedSearch {
  const opened = sealer.open("pangea-search", id.startsWith(PREFIX) ? id.slice(PREFIX.length) : "");
  const expected = "the id of a search result";
  if (opened.kind === "rejected") throw badInput([{ path, expected, got: REJECTED_TOKEN[opened.reason] }]);
  const search: unknown = JSON.parse(opened.payload.toString());
  if (!isSearch(search)) throw badInput([{ path, expected, got: "a result of another version of this service" }]);
  if (asserted !== undefined && restrictionDigest(asserted) !== search.restriction) throw otherRestriction();
  return search;
}

/** What opens was written by sealSearch, so only the version has to be checked. */
function isSearch(value: unknown): value is SealedSearch {
  return typeof value === "object" && value !== null && "version" in value && value.version === VERSION;
}

/** The same for restrictions that allow the same: the order of fields and values does not matter. */
function restrictionDigest(restriction: Restriction): string {
  const fields = restrictedFields(restriction).map(([field, values]) => [field, ...[...new Set(values)].sort()]);
  return digestOf(nodeSha256(utf8(canonicalJson(fields))));
}

function otherRestriction(): InvalidRequest {
  const detail = "expected the restriction of the search, got another one";
  return new InvalidRequest([{ code: "InvalidConst", detail, source: "/assert_search_restriction" }]);
}
