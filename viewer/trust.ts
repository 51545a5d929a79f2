import type { TreeClaim } from "../src/core/claim.js";
import { FORMAT_NAMES } from "../src/core/format.js";
import { nobleEd25519, type Ed25519 } from "../src/core/signature.js";
import {
  checkpointVerdict,
  trustVerifierKey,
  verifyEntry,
  verifyRoot,
  type EntryVerdicts,
  type TrustedLog,
} from "../src/verify.js";
import type { Entry } from "./entry.js";
import { failureOf } from "./failure.js";
import { ConsistencyDocument } from "./generated/operations.js";
import type { Mount } from "./mount.js";

/** A tree that the log signed, as the API returned it. */
export interface SignedTree extends TreeClaim {
  readonly checkpoint: string;
  readonly origin: string;
  /** The log's key, as the gateway says. */
  readonly publicKey: string;
}

/** What the root that this browser remembers proves of the tree that is shown. */
export type History =
  | { readonly kind: "checking" }
  /** Nothing was remembered: this tree is, from now on. */
  | { readonly kind: "first"; readonly to: TreeClaim }
  | { readonly kind: "proven"; readonly from: TreeClaim; readonly to: TreeClaim }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "unchecked"; readonly why: string };

/** A log, what is remembered of it, and who can prove that it goes on from there. */
export interface Past extends Pick<Mount, "gateway" | "memory"> {
  readonly log: string;
}

interface Growth {
  readonly from: TreeClaim;
  readonly to: SignedTree;
}

/** Checks entries with one log's key. A page's proofs lead to one checkpoint, whose signature is computed once. */
export class Checker {
  readonly #logs: readonly TrustedLog[];

  /** Throws a TypeError when the key is none. */
  constructor(key: string) {
    this.#logs = FORMAT_NAMES.map((format) => trustVerifierKey(key, format, { ed25519: remembering(nobleEd25519) }));
  }

  /** The format, of those there are, in which the entry is what its hash says. */
  formatOf(entry: Entry): TrustedLog | undefined {
    return this.#logs.find((log) => this.#verify(log, entry).hash.kind === "VALID") ?? this.#logs[0];
  }

  /** The verdicts in the format that the log has: which one shows in its hashes, for no entry fits two. */
  check(entry: Entry): EntryVerdicts | undefined {
    const log = this.formatOf(entry);
    return log && this.#verify(log, entry);
  }

  #verify(log: TrustedLog, { leafIndex, hash, canonical, proof, checkpoint }: Entry): EntryVerdicts {
    return verifyEntry(log, { leafIndex, hash, canonical, membershipProof: proof, checkpoint });
  }

  /** Compares a tree with the one that this browser remembers of the log, and remembers it if it is proven to continue it. */
  async history(tree: SignedTree, past: Past): Promise<History> {
    const [trusted] = this.#logs;
    const kept = past.memory.kept(past.log);
    if (trusted === undefined || kept === undefined) return { kind: "unchecked", why: "No key is trusted yet." };
    if (checkpointVerdict(trusted, tree.checkpoint, tree).kind !== "VALID")
      return { kind: "broken", why: unsigned(tree.publicKey !== kept.key) };
    const { tree: from } = kept;
    if (from === undefined) return { kind: "first", to: remember(tree, past) };
    if (tree.treeSize < from.treeSize) return { kind: "broken", why: shorter(from, tree) };
    const isProven =
      tree.treeSize === from.treeSize ? tree.hash === from.hash : this.#continues(past, { from, to: tree });
    try {
      if (!(await isProven)) return { kind: "broken", why: rewritten(from) };
    } catch (error) {
      return { kind: "unchecked", why: failureOf(error).message };
    }
    return { kind: "proven", from, to: remember(tree, past) };
  }

  async #continues({ log, gateway }: Past, { from, to }: Growth): Promise<boolean> {
    if (from.treeSize === 0) return true;
    const sizes = { fromSize: from.treeSize, treeSize: to.treeSize };
    const { root } = await gateway.ask(ConsistencyDocument, { log: log || null, ...sizes });
    if (root.treeSize !== to.treeSize || root.hash !== to.hash) return false;
    return this.#logs.some((trusted) => verifyRoot(trusted, root, from).consistency.kind === "VALID");
  }
}

function remember({ treeSize, hash }: SignedTree, { log, memory }: Past): TreeClaim {
  const kept = memory.kept(log);
  const tree = { treeSize, hash };
  if (kept !== undefined) memory.keep(log, { ...kept, tree });
  return tree;
}

function unsigned(isOtherKey: boolean): string {
  const [says, what] = [
    "The root is not signed by the key that this browser trusts for the log",
    "The gateway names another key.",
  ];
  return isOtherKey ? `${says}. ${what}` : `${says}.`;
}

function shorter(from: TreeClaim, to: TreeClaim): string {
  const [had, has] = [from.treeSize, to.treeSize].map((size) => size.toLocaleString("en"));
  return `This browser saw the log with ${String(had)} entries, and now it has ${String(has)}: entries were removed, or the gateway lags behind.`;
}

function rewritten({ treeSize }: TreeClaim): string {
  return `The first ${treeSize.toLocaleString("en")} entries are not those that this browser saw before: the log was rewritten, or shows different histories.`;
}

/** A checkpoint has a few hundred bytes; longer messages are events, each of which is checked once. */
const REMEMBERED_BYTES = 1_024;

function remembering(ed25519: Ed25519): Ed25519 {
  const known = new Map<string, boolean>();
  return {
    ...ed25519,
    verify(signature, message, publicKey) {
      if (message.length > REMEMBERED_BYTES) return ed25519.verify(signature, message, publicKey);
      const name = [signature, message, publicKey].join();
      const found = known.get(name) ?? ed25519.verify(signature, message, publicKey);
      known.set(name, found);
      return found;
    },
  };
}
