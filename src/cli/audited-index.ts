import { digestOf } from "../core/bytes.js";
import { openCheckpoint, verifierKeyText, type NoteVerifier, type OpenedCheckpoint } from "../core/checkpoint.js";
import { FORMAT_NAMES } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import { BASE_ENTRIES, openIndexCheckpoint } from "../core/segment/index-log.js";
import type { SignedRoot } from "../core/segment/verify-answer.js";
import { trustVerifierKey, verifyRoot } from "../core/verify.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import { ask, type Gateway } from "./api.js";
import type { AuditMark } from "./audit-mark.js";
import { CommandError } from "./output.js";
import { NotProvenError } from "./proven-search.js";
import { rootIn, type SignedRoot as ClaimedRoot } from "./signed-root.js";
import type { TrustedKeys } from "./trusted-keys.js";

/** The roots of a log and of its index, which the log signed. */
export interface AuditedIndex extends AuditMark {
  readonly log: string;
  readonly key: NoteVerifier;
  readonly root: SignedRoot;
  /** Of at most as many entries. */
  readonly index: SignedRoot;
}

const ROOTS = /* GraphQL */ `
  query AuditedRoots($log: ID, $treeSize: AuditTreeSize) {
    root(log: $log, treeSize: $treeSize) {
      log
      origin
      treeSize
      hash
      checkpoint
      index {
        treeSize
        checkpoint
      }
    }
  }
`;
const EXTENDED = /* GraphQL */ `
  query ExtendedRoot($log: ID, $treeSize: AuditTreeSize!, $fromSize: AuditTreeSize!) {
    root(log: $log, treeSize: $treeSize) {
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

/** Which index is audited: of the newest root, or of the one that saved entries lead to. */
export interface AuditedTree {
  readonly log: string | undefined;
  readonly saved: ClaimedRoot | undefined;
}

/** Rejects with NotProvenError where a key that is trusted signed neither root, or the saved entries lead to another one. */
export async function auditedIndex(
  gateway: Gateway,
  { log, saved }: AuditedTree,
  keys: TrustedKeys,
): Promise<AuditedIndex> {
  const { root } = await ask(gateway, { query: ROOTS, variables: { log, treeSize: saved?.treeSize } });
  const { checkpoint, hash } = rootIn(root, gateway);
  const shown = isPlainObject(root) ? root : {};
  const key = keyOf(shown["origin"], keys);
  const tree = signed(openCheckpoint(checkpoint, key), `root ${hash}`, key);
  if (saved !== undefined && digestOf(tree.rootHash) !== saved.hash)
    throw new NotProvenError(
      "the file's entries lead to another root of that size than the gateway's: the log signed two",
    );
  const index = isPlainObject(shown["index"]) ? shown["index"] : {};
  const indexCheckpoint = String(index["checkpoint"]);
  const indexRoot = signed(openIndexCheckpoint(indexCheckpoint, key, nodeEd25519()), "index's root", key);
  if (indexRoot.treeSize * BASE_ENTRIES > tree.treeSize)
    throw new NotProvenError(`the log signed an index of ${indexRoot.treeSize} records over ${tree.treeSize} entries`);
  return { log: String(shown["log"]), key, root: tree, index: indexRoot, checkpoint, indexCheckpoint };
}

function keyOf(origin: unknown, keys: TrustedKeys): NoteVerifier {
  const [only, second] = keys.values();
  const key = typeof origin === "string" ? (keys.get(origin) ?? (second === undefined ? only : undefined)) : undefined;
  if (key !== undefined) return key;
  throw new CommandError(`none of the keys that you trust is of the log ${JSON.stringify(origin)}`);
}

function signed(opened: OpenedCheckpoint, what: string, key: NoteVerifier): SignedRoot {
  if (opened.kind === "opened") return opened;
  throw new NotProvenError(
    `${verifierKeyText(key)} did not sign the ${what} that the gateway shows (${opened.reason})`,
  );
}

/** The roots in a mark. Throws CommandError where this key did not sign them. */
export function rootsIn(mark: AuditMark, key: NoteVerifier): Pick<AuditedIndex, "root" | "index"> {
  const root = openCheckpoint(mark.checkpoint, key);
  const index = openIndexCheckpoint(mark.indexCheckpoint, key, nodeEd25519());
  if (root.kind === "opened" && index.kind === "opened") return { root, index };
  throw new CommandError(`the mark file's roots of ${key.name} are not signed by the key that you gave`);
}

/** Rejects with NotProvenError unless the log's tree extends the one that was audited before. */
export async function requireExtends(gateway: Gateway, audited: AuditedIndex, before: SignedRoot): Promise<void> {
  const { log, root, key } = audited;
  if (before.treeSize === 0) return;
  if (root.treeSize < before.treeSize)
    throw new NotProvenError(
      `the log has ${root.treeSize} entries, and signed ${before.treeSize} before: entries were cut off, or this gateway reads a copy of the store that lags behind (look again)`,
    );
  const variables = { log, treeSize: root.treeSize, fromSize: before.treeSize };
  const claim = (await ask(gateway, { query: EXTENDED, variables }))["root"];
  const seen = { treeSize: before.treeSize, hash: digestOf(before.rootHash) };
  const isExtended = FORMAT_NAMES.some((format) => {
    if (!isPlainObject(claim) || claim["hash"] !== digestOf(root.rootHash)) return false;
    const { checkpoint, consistency } = verifyRoot(trustVerifierKey(verifierKeyText(key), format), claim, seen);
    return checkpoint.kind === "VALID" && consistency.kind === "VALID";
  });
  if (!isExtended)
    throw new NotProvenError(
      `the log's tree does not begin with the ${before.treeSize} entries that were audited before`,
    );
}
