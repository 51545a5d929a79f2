import { LRUCache } from "lru-cache";
import { AuditError } from "../../audit/errors.js";
import type { EntryProof } from "../../audit/proofs.js";
import type { Entry, TreeEntry } from "../../audit/service.js";
import { digestBytes, digestOf, utf8, type Digest } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { canonicalJson, isPlainObject, type Json } from "../../core/json.js";
import { hashesOfText, placeOfText } from "../../core/proof-text.js";
import { isTreeSize } from "../../core/tree.js";
import { strange } from "./roots.js";

/** A tree that the entries of an answer are proven in. */
export interface ProvingTree {
  readonly treeSize: number;
  readonly hash: Digest;
}

/** The trees of one answer: that of its published events and that of the others (section 4.6). */
export interface AnswerTrees {
  readonly published: ProvingTree | undefined;
  readonly unpublished: ProvingTree | undefined;
}

interface Proven {
  readonly entry: Entry;
  readonly proof: EntryProof | undefined;
  /** Whether its leaf is a hot tree, which other events may share. */
  readonly isShared: boolean;
}

/** What is kept of all that was shown: so many characters. */
const MAX_KEPT_CHARACTERS = 64 * 1_024 * 1_024;

/**
 * What the service has shown of one log: entries whose hash was checked, and the proofs that came with them. The protocol
 * has no call for either, so a proof is there for what was shown here, and an entry by its index if it alone is the leaf.
 */
export class ShownEntries {
  /** By tree size, leaf index and hash: several events may share a leaf, and equal ones a hash. */
  readonly #proven = new LRUCache<string, Proven>({ maxSize: MAX_KEPT_CHARACTERS });
  readonly #byHash = new LRUCache<Digest, Proven>({ maxSize: MAX_KEPT_CHARACTERS });
  readonly #byIndex = new LRUCache<number, Proven>({ maxSize: MAX_KEPT_CHARACTERS });

  constructor(
    private readonly log: string,
    private readonly format: LogFormat,
  ) {}

  /** Checks an event of a search (section 1.6), and remembers it with its proof. */
  show(item: unknown, trees: AnswerTrees): TreeEntry {
    if (!isPlainObject(item)) throw strange("an event that is no object");
    const tree = item["published"] === true ? trees.published : trees.unpublished;
    const text = item["membership_proof"];
    const place = tree && typeof text === "string" ? placeOfText(text, tree.treeSize) : undefined;
    const leafIndex = item["published"] === true ? item["leaf_index"] : place?.leafIndex;
    if (tree === undefined || typeof leafIndex !== "number" || !isTreeSize(leafIndex)) throw unplaced(this.log);
    const read = readEnvelope(this.format, item);
    if (read === undefined) return { kind: "corrupt", leafIndex };
    const entry: Entry = { log: this.log, leafIndex, provenIn: tree.treeSize, ...read };
    const proof = typeof text === "string" ? this.#proof(entry, tree, text) : undefined;
    this.#keep({ entry, proof, isShared: place === undefined || place.hotItems > 0 });
    return { kind: "entry", entry };
  }

  /** Remembers an entry that was logged here, whose place is proven. */
  add(entry: Entry, proof: EntryProof): void {
    this.#keep({ entry, proof, isShared: false });
  }

  /** The proof of an entry that was shown in a tree; undefined for any other. */
  proof(treeSize: number, leafIndex: number, hash: Digest | undefined): EntryProof | undefined {
    return this.#proven.get(provenKey(treeSize, leafIndex, hash ?? this.known(leafIndex)?.hash))?.proof;
  }

  /** An entry that was shown, if it alone is its leaf. */
  known(leafIndex: number): Entry | undefined {
    return this.#byIndex.get(leafIndex)?.entry;
  }

  /** Such an entry; throws UNSUPPORTED for any other. */
  at(leafIndex: number): TreeEntry {
    const entry = this.known(leafIndex);
    if (entry !== undefined) return { kind: "entry", entry };
    throw unsupported(`find the entry at leaf index ${leafIndex}`, "Search for it, by its receivedAt for example.");
  }

  byHash(hash: Digest): TreeEntry {
    const entry = this.#byHash.get(hash)?.entry;
    if (entry !== undefined) return { kind: "entry", entry };
    throw unsupported("find an entry by its hash", "Search for it, by its receivedAt for example.");
  }

  #proof(entry: Entry, { treeSize, hash }: ProvingTree, text: string): EntryProof {
    const leaf = {
      leafIndex: entry.leafIndex,
      treeSize,
      leafHash: digestBytes(entry.hash),
      rootHash: digestBytes(hash),
    };
    return { ...leaf, path: hashesOfText(text) ?? [], text };
  }

  #keep(proven: Proven): void {
    const { entry, isShared } = proven;
    const size = entry.canonical.length + (proven.proof?.text?.length ?? 0) + 1;
    this.#proven.set(provenKey(entry.provenIn, entry.leafIndex, entry.hash), proven, { size });
    this.#byHash.set(entry.hash, proven, { size });
    if (!isShared) this.#byIndex.set(entry.leafIndex, proven, { size });
  }
}

function provenKey(treeSize: number | undefined, leafIndex: number, hash: Digest | undefined): string {
  return `${treeSize}/${leafIndex}/${hash}`;
}

/** The text that was hashed, its hash, and the envelope in it; undefined when the hash beside it is another. */
export function readEnvelope(
  format: LogFormat,
  { envelope, hash }: Readonly<Record<string, unknown>>,
): Pick<Entry, "canonical" | "hash" | "envelope"> | undefined {
  const canonical = canonicalOf(envelope);
  const own = canonical === undefined ? undefined : digestOf(format.leafHash(utf8(canonical)));
  const read = canonical === undefined ? undefined : format.read(canonical);
  if (canonical === undefined || own === undefined || read === undefined) return undefined;
  return hash === undefined || hash === own ? { canonical, hash: own, envelope: read } : undefined;
}

/** The service hashes whatever its envelope holds (section 2.5), so nothing is rewritten here. */
function canonicalOf(envelope: unknown): string | undefined {
  try {
    return isPlainObject(envelope) ? canonicalJson(envelope as { readonly [key: string]: Json }) : undefined;
  } catch {
    return undefined;
  }
}

/** The error for what the protocol has no call for. */
export function unsupported(what: string, instead: string): AuditError {
  return new AuditError("UNSUPPORTED", `The audit service behind this gateway cannot ${what}. ${instead}`);
}

function unplaced(log: string): AuditError {
  const what = `say where in its tree an event of the log ${log} is`;
  return unsupported(what, "It needs a configuration with tamper proofing, and searches with proofs.");
}
