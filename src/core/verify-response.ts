import type { EntryClaim, RootClaim, TreeClaim, Unread } from "./claim.js";
import { checksOf, EvidenceChecks, remembering, type Check } from "./evidence/checks.js";
import { EvidenceError, readEvidence } from "./evidence/reader.js";
import { isPlainObject } from "./json.js";
import { invalid } from "./verdict.js";
import { verifyEntry, verifyRoot, type TrustedLog } from "./verify.js";

/**
 * What a gateway returned, named by what was asked for. Entries need `leafIndex hash canonical`, proofs of membership
 * `leafIndex treeSize leafHash rootHash path`, roots `treeSize hash checkpoint`; the other members are ignored.
 */
export type GatewayResponse =
  /** An entry with `membershipProof { … root { … } }`: of `entry`, `node` or `entryLogged`. */
  | { readonly kind: "entry"; readonly entry: unknown }
  /** A page of `search` or `results`: `root { … } edges { node { … } membershipProof { … } }`. */
  | { readonly kind: "page"; readonly page: unknown }
  /** What `log` returns: `entry { … } membershipProof { … } root { … }`; or `logBulk`: `receipts { … } root { … }`. */
  | { readonly kind: "receipt"; readonly receipt: unknown }
  /** A root, with `consistencyProof { fromSize toSize fromHash toHash path }` from the one that the caller remembers. */
  | { readonly kind: "root"; readonly root: unknown }
  /** Two roots, the newer one with a `consistencyProof` from the older one. */
  | { readonly kind: "roots"; readonly older: unknown; readonly newer: unknown }
  /** A file of the format EVIDENCE or JSON, whole or as it comes, of any length. */
  | { readonly kind: "download"; readonly download: Uint8Array | AsyncIterable<Uint8Array> };

/**
 * Checks what a gateway returned, trusting nothing but the log's key. With `known`, a tree that the caller verified before,
 * each root must be proven to extend it. Yields each check, entries first. What should be there and is not is checked too, as
 * something empty; a download that cannot be read, or breaks off, ends with `evidence` INVALID. Throws nothing, whatever the
 * gateway sent, but what the source of a download throws.
 */
export async function* verifyResponse(
  log: TrustedLog,
  response: GatewayResponse,
  known?: TreeClaim,
): AsyncGenerator<Check> {
  const remembered = remembering(log);
  if (response.kind === "download") yield* downloadChecks(remembered, response.download, known);
  else if (response.kind === "roots") yield* rootChecks(remembered, response, known);
  else yield* claimChecks(remembered, claimsOf(response), known);
}

/** Entries and roots as evidence has them, which both verifiers read from a file. */
export interface Claims {
  readonly entries: readonly Unread<EntryClaim>[];
  readonly roots: readonly Unread<RootClaim>[];
}

type ParsedResponse = Exclude<GatewayResponse, { readonly kind: "roots" | "download" }>;

/** The claims in what a gateway returned. What is no object becomes an empty claim, which is found to hold nothing. */
export function claimsOf(response: ParsedResponse): Claims {
  switch (response.kind) {
    case "entry": {
      const entry = members(response.entry);
      const claim = entryClaim(entry, undefined);
      return { entries: [claim], roots: rootClaims(undefined, [claim]) };
    }
    case "root":
      return { entries: [], roots: [rootClaim(response.root)] };
    case "page": {
      const { root, edges, nodes } = members(response.page);
      return proven(root, edges === undefined && nodes !== undefined ? list(nodes, (node) => ({ node })) : list(edges));
    }
    case "receipt": {
      const receipt = members(response.receipt);
      const { root, receipts, entries } = receipt;
      if (receipts !== undefined) return proven(root, list(receipts));
      return proven(root, entries === undefined ? [receipt] : list(entries, (entry) => ({ entry })));
    }
  }
}

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown): Members {
  return isPlainObject(value) ? value : {};
}

/** What is no list is read as one thing that is none: nobody takes it for an empty page. */
function list(value: unknown, read: (item: unknown) => Members = members): readonly Members[] {
  return Array.isArray(value) ? value.map(read) : [{}];
}

/** Entries of a page or a receipt, each with the proof beside it; their own proofs may lead to another root. */
function proven(root: unknown, places: readonly Members[]): Claims {
  const entries = places.map(({ node, entry = node, membershipProof }) => entryClaim(members(entry), membershipProof));
  return { entries, roots: rootClaims(root, entries) };
}

function entryClaim({ leafIndex, hash, canonical, ...entry }: Members, beside: unknown): Unread<EntryClaim> {
  return { leafIndex, hash, canonical, membershipProof: beside ?? entry["membershipProof"] };
}

/** The root beside the entries, and those that proofs have with them: of each size the first one. */
function rootClaims(root: unknown, entries: readonly Unread<EntryClaim>[]): readonly Unread<RootClaim>[] {
  const claims = new Map<unknown, Unread<RootClaim>>();
  const beside = [root, ...entries.map(({ membershipProof }) => members(membershipProof)["root"])];
  for (const claim of beside.filter((value) => value !== undefined && value !== null).map(rootClaim))
    if (!claims.has(claim.treeSize)) claims.set(claim.treeSize, claim);
  return claims.size === 0 ? [{}] : [...claims.values()];
}

function rootClaim(value: unknown): Unread<RootClaim> {
  const { treeSize, hash, checkpoint, consistencyProof } = members(value);
  return { treeSize, hash, checkpoint, consistencyProof };
}

function* claimChecks(log: TrustedLog, { entries, roots }: Claims, known?: TreeClaim): Generator<Check> {
  const checkpoints = new Map(roots.map(({ treeSize, checkpoint }) => [treeSize, checkpoint]));
  for (const [i, entry] of entries.entries()) {
    const checkpoint = checkpoints.get(members(entry.membershipProof)["treeSize"]);
    yield* checksOf(`entries[${i}]`, { ...verifyEntry(log, { ...entry, checkpoint }) });
  }
  for (const [i, root] of roots.entries()) yield* checksOf(`roots[${i}]`, { ...verifyRoot(log, root, known) });
}

function* rootChecks(
  log: TrustedLog,
  { older, newer }: { readonly older: unknown; readonly newer: unknown },
  known?: TreeClaim,
): Generator<Check> {
  const [from, to] = [rootClaim(older), rootClaim(newer)];
  yield* checksOf("roots[0]", { ...verifyRoot(log, from, known) });
  yield* checksOf("roots[1]", { ...verifyRoot(log, to, from) });
}

async function* downloadChecks(
  log: TrustedLog,
  download: Uint8Array | AsyncIterable<Uint8Array>,
  known?: TreeClaim,
): AsyncGenerator<Check> {
  const checks = new EvidenceChecks(known);
  const head = new Map<string, unknown>();
  let [hasRoots, isEmpty] = [false, true];
  try {
    for await (const piece of readEvidence(Symbol.asyncIterator in download ? download : whole(download))) {
      if (piece.kind === "member") head.set(piece.name, piece.value);
      else if (piece.kind === "end") hasRoots ||= piece.list === "roots";
      else if (piece.kind === "lines") continue;
      else if (piece.list === "completeness") checks.kept(piece);
      else {
        isEmpty = false;
        if (piece.list === "roots") checks.keepRoot(piece);
        else if (hasRoots && head.has("format") && head.has("origin"))
          yield* checks.entry(named(log, head), piece.value);
        else checks.keepEntry(piece);
      }
    }
    yield* checks.end(named(log, head));
    if (isEmpty) throw new EvidenceError("there are neither entries nor roots to check");
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    yield { of: "download", check: "evidence", verdict: invalid("MALFORMED_EVIDENCE"), explanation: error.message };
  }
}

/** What a file of another log says of this one, nobody needs to find out. */
function named(log: TrustedLog, head: ReadonlyMap<string, unknown>): TrustedLog {
  const [format, origin] = [head.get("format"), head.get("origin") ?? log.key.name];
  if (format !== log.format.name) throw new EvidenceError(`"format" is not ${log.format.name}, which the log has`);
  if (origin !== log.key.name) throw new EvidenceError(`"origin" is not ${log.key.name}, whose key is trusted`);
  return log;
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
