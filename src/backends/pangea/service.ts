import type { Alarm } from "../../audit/alarm.js";
import { serviceOf } from "../../audit/backend.js";
import type { RootCache } from "../../audit/cache.js";
import { AuditError } from "../../audit/errors.js";
import { RESULT_TTL_MS } from "../../audit/retention.js";
import type { ConsistencyRequest, EntryProof, MembershipRequest, ProofRequest } from "../../audit/proofs.js";
import { MAX_PAGE_SIZE, type AuditService } from "../../audit/service.js";
import { requireLeafIndexes, requireOrdered, requireTreeSize } from "../../audit/tree-size.js";
import { digestBytes, digestOf } from "../../core/bytes.js";
import type { EventSchema } from "../../core/event-schema.js";
import { logFormat, withKnownNodes } from "../../core/format.js";
import { membershipTextVerdict, subtreePathsOfText } from "../../core/proof-text.js";
import { membershipVerdict, subtreePathsVerdict, type ConsistencyProof } from "../../core/proof.js";
import { invalid, unknown, type Verdict } from "../../core/verdict.js";
import type { Keyring } from "../../keys/keyring.js";
import { LogKey } from "../../keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../keys/node-crypto.js";
import { TokenSealer } from "../../keys/sealed-token.js";
import { BulkRequests } from "./bulk.js";
import { wireEvents } from "./events.js";
import { LogLink } from "./log-link.js";
import { PangeaRoots, readServedRoot, strange, type ServedRoot } from "./roots.js";
import { PangeaSearches } from "./searches.js";
import { unsupported } from "./shown.js";
import { tailByPolling } from "./tail.js";
import { PangeaWire, type WireOptions } from "./wire.js";

/** A log of the gateway, and the service's configuration behind it. */
export interface PangeaLog {
  readonly log: string;
  /** Undefined: the only configuration of the token. */
  readonly configId?: string | undefined;
  /** The fields of its events as its configuration has them. Undefined: the standard ones. */
  readonly schema?: EventSchema | undefined;
}

export interface PangeaServiceOptions extends WireOptions {
  readonly logs: readonly PangeaLog[];
  /** Remembers roots for all gateways. */
  readonly cache: RootCache;
  readonly keyring: Keyring;
  /** The deployment's name in the checkpoints of the roots that it has seen. */
  readonly origin: string;
  /** How long the service is left alone between two looks of a tail. Default 2,000. */
  readonly pollMs?: number;
  /** How many events a tail asks for at once. Default 1,000. */
  readonly tailPageSize?: number;
  readonly resultTtlMs?: number;
  /** Called with a sentence about a service that contradicts itself. */
  readonly alarm?: Alarm;
}

const POLL_MS = 2_000;
const FORMAT = withKnownNodes(logFormat("pangea", nodeSha256));
const ED25519 = nodeEd25519();

/** Puts the audit service port in front of a server of the Pangea Secure Audit Log protocol. Asks it nothing yet. */
export function openPangeaService(options: PangeaServiceOptions): AuditService {
  const { keyring, pollMs = POLL_MS, tailPageSize: pageSize = MAX_PAGE_SIZE } = options;
  const wire = new PangeaWire(options);
  const linkOf = linksTo(wire, options);
  const sealer = new TokenSealer(keyring.tokenSecret);
  const signer = { seed: keyring.eventSeed, ed25519: ED25519 };
  const searches = new PangeaSearches({ link: linkOf, sealer, ttlMs: options.resultTtlMs ?? RESULT_TTL_MS });

  const bulks = new BulkRequests(wire, sealer);

  return serviceOf({
    name: "The audit service behind this gateway",
    identity: async (log) => {
      const { key, schema } = linkOf(log).options;
      const { origin, verifierKey } = key;
      return Promise.resolve({ format: FORMAT, origin, verifierKey, ...(schema !== undefined && { schema }) });
    },
    close: () => wire.close(),
    logging: {
      append: async (request, { signal } = {}) => {
        const link = linkOf(request.log);
        const { items, refused } = wireEvents(request, link.options, signer);
        return { ...(await link.log(items, signal)), refused };
      },
      appendLater: async (request, { owner = "", signal } = {}) => {
        const link = linkOf(request.log);
        const { items, refused } = wireEvents(request, link.options, signer);
        const { requestId, logged } = await link.logLater(items, signal);
        return { id: bulks.id({ log: request.log, owner, requestId }), logged, refused };
      },
      bulkRequest: async (id, asking) => bulks.find(id, linkOf, asking),
    },
    reading: {
      entries: async (log, leafIndexes) => {
        const { shown } = linkOf(log);
        requireLeafIndexes(leafIndexes);
        return Promise.resolve(leafIndexes.map((leafIndex) => shown.at(leafIndex)));
      },
      entryByHash: async (log, hash) => Promise.resolve(linkOf(log).shown.byHash(hash)),
    },
    searching: searches,
    downloading: searches,
    following: {
      tail: async (request, asking) =>
        tailByPolling(request, asking, { searches, shown: linkOf(request.log).shown, pollMs, pageSize }),
    },
    proving: {
      root: async (log, treeSize) => {
        const link = linkOf(log);
        if (treeSize !== undefined) requireTreeSize({ path: "treeSize", value: treeSize }, 0);
        return link.root(treeSize);
      },
      membershipProofs: async (request) => shownProofs(linkOf(request.log), request),
      membershipVerdicts: async (request) => shownVerdicts(linkOf(request.log), request),
      consistencyProof: async (request) => stepProof(linkOf(request.log), request),
      consistency: async (log, treeSize) => linkOf(log).options.roots.step(treeSize).catch(unpublished),
      checkpointVerdict: async (root) => Promise.resolve(linkOf(root.log).options.key.verdict(root.checkpoint, root)),
    },
  });
}

/** The logs by name; throws NOT_FOUND for any other. */
function linksTo(wire: PangeaWire, options: PangeaServiceOptions): (log: string) => LogLink {
  const { keyring, cache, origin, alarm = () => undefined } = options;
  const links = new Map(
    options.logs.map(({ log, configId, schema }) => {
      const key = new LogKey(`${origin}/${log}`, keyring, ED25519);
      const fetch = (treeSize: number | undefined): Promise<ServedRoot> => servedRoot(link, treeSize);
      const roots = new PangeaRoots({
        ...{ log, format: FORMAT, key, cache, fetch, alarm },
        secret: keyring.tokenSecret,
      });
      const link = new LogLink({ log, configId, schema, wire, roots, key, format: FORMAT, alarm });
      return [log, link] as const;
    }),
  );
  return (name) => {
    const link = links.get(name);
    if (link !== undefined) return link;
    const known = [...links.keys()].join(", ");
    throw new AuditError("NOT_FOUND", `There is no log ${JSON.stringify(name.slice(0, 64))}; the logs are: ${known}.`);
  };
}

async function servedRoot(link: LogLink, treeSize: number | undefined): Promise<ServedRoot> {
  const { data } = await link.call("/v1/root", treeSize === undefined ? {} : { tree_size: treeSize }, {});
  const root = readServedRoot(data);
  if (root === undefined) throw strange("something else than a root");
  return root;
}

/** A tree that is not published yet is proven to extend none. */
function unpublished(error: unknown): Verdict {
  if (error instanceof AuditError && error.code === "NOT_FOUND") return unknown("NO_PROOF");
  throw error;
}

/** The proofs that came with the entries. */
async function shownProofs(
  link: LogLink,
  { treeSize, leafIndexes, hashes = [] }: ProofRequest,
): Promise<readonly EntryProof[]> {
  requireTreeSize({ path: "treeSize", value: treeSize }, 1);
  requireLeafIndexes(leafIndexes, treeSize);
  const found = leafIndexes.map((leafIndex, i) => link.shown.proof(treeSize, leafIndex, hashes[i]));
  const proofs = found.filter((proof) => proof !== undefined);
  if (proofs.length === found.length) return proofs;
  // A tree that the log does not have yet is something else.
  await link.root(treeSize);
  const what = `prove the entry at leaf index ${leafIndexes[found.indexOf(undefined)]} in a tree of ${treeSize} leaves`;
  throw unsupported(what, "Search for it, and select the proof on its edge.");
}

/** Whether those proofs lead from the entries' own hashes to the root. */
async function shownVerdicts(link: LogLink, request: MembershipRequest): Promise<readonly Verdict[]> {
  const [proofs, root] = await Promise.all([shownProofs(link, request), link.root(request.treeSize)]);
  return proofs.map((proof, place) => {
    if (digestOf(proof.rootHash) !== root.hash) return invalid("ROOT_MISMATCH");
    if (digestOf(proof.leafHash) !== request.hashes[place]) return invalid("HASH_MISMATCH");
    const { text } = proof;
    return text === undefined ? membershipVerdict(FORMAT, proof) : membershipTextVerdict(FORMAT, { ...proof, text });
  });
}

/** The protocol proves a tree to extend the one of a leaf less (section 1.6), and nothing else; a tree extends itself. */
async function stepProof(link: LogLink, { fromSize, toSize }: ConsistencyRequest): Promise<ConsistencyProof> {
  const { roots } = link.options;
  requireTreeSize({ path: "fromSize", value: fromSize }, 1);
  requireTreeSize({ path: "toSize", value: toSize }, 1);
  requireOrdered(fromSize, toSize);
  if (toSize === fromSize) {
    const hash = digestBytes((await roots.at(toSize)).hash);
    return { fromSize, toSize, fromHash: hash, toHash: hash, path: [], subtreePaths: [] };
  }
  if (toSize !== fromSize + 1) {
    await roots.at(toSize);
    throw unsupported("prove a log's growth by more than one leaf", "Ask for the proof from treeSize - 1.");
  }
  const [from, to, { proof = [] }] = await Promise.all([
    roots.at(fromSize),
    roots.at(toSize),
    servedRoot(link, toSize),
  ]);
  const subtreePaths = subtreePathsOfText({ fromSize, toSize, text: proof });
  const [last] = subtreePaths ?? [];
  if (subtreePaths === undefined || last === undefined) throw strange("a root without the proof of its last step");
  // RFC 9162 section 2.1.4.1 begins with the old tree's last subtree, unless that is all of it.
  const path = last.start === 0 ? last.path : [last.hash, ...last.path];
  const hashes = { fromHash: digestBytes(from.hash), toHash: digestBytes(to.hash) };
  const made = { fromSize, toSize, ...hashes, path, subtreePaths };
  if (subtreePathsVerdict(FORMAT, made).kind === "VALID") return made;
  throw new AuditError(
    "LOG_CORRUPT",
    `The audit service's proof does not lead from its root ${fromSize} to ${toSize}.`,
  );
}
