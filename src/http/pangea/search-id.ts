import { badInput } from "../../audit/errors.js";
import { digestOf, utf8 } from "../../core/bytes.js";
import { canonicalJson } from "../../core/json.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { JsonTokens, type TokenSealer } from "../../keys/sealed-token.js";
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

const PREFIX = "pas_";

interface SealedSearch extends OpenedSearch {
  readonly restriction: string;
}

const IDS = new JsonTokens<SealedSearch>("pangea-search", 1);

/**
 * The id of a search, longer than Pangea's: every gateway with the same key can use it, and none has to keep it. It is
 * under a MAC, because a program may be handed an id by its user, and asserts how the search was restricted.
 */
export function sealSearch(sealer: TokenSealer, { id, verbose, restriction }: SearchClaims): string {
  return PREFIX + IDS.seal(sealer, { id, verbose, restriction: restrictionDigest(restriction) });
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
  const opened = IDS.open(sealer, id.startsWith(PREFIX) ? id.slice(PREFIX.length) : "");
  if (opened.kind === "rejected") throw badInput([{ path, expected: "the id of a search result", got: opened.got }]);
  const { content } = opened;
  if (asserted !== undefined && restrictionDigest(asserted) !== content.restriction) throw otherRestriction();
  return content;
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
