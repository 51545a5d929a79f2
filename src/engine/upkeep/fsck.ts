import { AuditError } from "../../audit/errors.js";
import type { CheckedSegment, SearchIndex } from "../../audit/search-index.js";
import type { LogHead, StoredEntry } from "../../audit/store.js";
import { equalBytes, HASH_BYTES, utf8 } from "../../core/bytes.js";
import { TreeEdge, TILE_WIDTH, type FullTile } from "../../core/tree.js";
import { isReceivedAt } from "../../core/format.js";
import { segmentDocuments, type SegmentId } from "../../core/segment/format.js";
import { signatureVerdict, type Ed25519 } from "../../core/signature.js";
import { BoundLeaves, textHash, EntryReader } from "../tree/entries.js";
import { checkpointEdge, restoreEdge, type TreeSource } from "../tree/signed-tree.js";
import { TileReader } from "../tree/tile-reader.js";
import type { Finding } from "./finding.js";
import { fraudOf, type ProvenFraud } from "./fsck-fraud.js";
import { checkedSample, type IndexSample } from "./fsck-index.js";
import { changedRequests } from "./fsck-requests.js";

/** Where an earlier check ended without findings: the next one continues from there. */
export interface CheckedMark {
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
}

export interface FsckOptions {
  readonly source: TreeSource;
  readonly index: SearchIndex;
  readonly ed25519: Ed25519;
  /** The log must still lead to this root; entries below it count as checked. */
  readonly since?: CheckedMark;
  /** Reads every entry nevertheless. Default false. */
  readonly full?: boolean;
  /** Rebuilds this many stored segments of the search index, chosen at random, instead of all since the mark. */
  readonly random?: number | undefined;
  readonly onProgress?: (checked: number, size: number) => void;
  /** Called after each segment of the search index that was built again: entries, or segments of a sample. */
  readonly onIndexing?: (checked: number, size: number) => void;
}

export interface FsckReport {
  readonly size: number;
  /** The first leaf index that was read. */
  readonly from: number;
  readonly findings: readonly Finding[];
  /** Where the next check may start; undefined when there are findings, or only a sample of the search index was checked. */
  readonly mark: CheckedMark | undefined;
  /** That the log signs a wrong index, where that is so and can be proven: of the first such segment. */
  readonly fraud: ProvenFraud | undefined;
  /** The result for the search index, if it was asked for and the entries are sound. */
  readonly sample: IndexSample | undefined;
}

/** Entries read at once: whole tiles, so that a chunk's tiles are compared with it. */
const CHUNK_ENTRIES = 8 * TILE_WIDTH;
/** The maximum number of findings; a log that has this many is not worth more lines. */
const MAX_FINDINGS = 1_000;

/**
 * Derives a log again from its stored bytes and compares: leaves, author's signatures, times, tiles, root, checkpoint,
 * search index, and the receipts beside it. Reads in chunks, so memory does not grow with the log. Changes nothing.
 */
export async function fsck(options: FsckOptions, head: LogHead): Promise<FsckReport> {
  const check = await LogCheck.start(options, head);
  while (check.canGoOn) {
    await check.chunk();
    options.onProgress?.(check.size, head.size);
  }
  return check.finish();
}

/** A check in progress: the tree of the entries read so far. */
class LogCheck {
  readonly #findings: Finding[] = [];
  readonly #from: number;
  readonly #leaves: BoundLeaves;
  #edge: TreeEdge;
  /** The edge of the tree that the head's checkpoint signs; undefined if nothing stored leads to it. */
  readonly #signed: TreeEdge | undefined;
  #lastReceivedAt = "";
  #isCut = false;
  #sample: IndexSample | undefined;
  #misrecorded: SegmentId | undefined;

  private constructor(
    private readonly options: FsckOptions,
    private readonly head: LogHead,
    { begin, signed }: { readonly begin: TreeEdge; readonly signed: TreeEdge | undefined },
  ) {
    this.#edge = begin;
    this.#signed = signed;
    this.#from = begin.size;
    this.#leaves = new BoundLeaves(options.source, new TileReader(options.source));
  }

  /**
   * Starts at the mark if the log still leads to its root and not everything is to be read; else at the first entry.
   */
  static async start(options: FsckOptions, head: LogHead): Promise<LogCheck> {
    const { since, source, full = false } = options;
    const edge = since === undefined ? undefined : await edgeAt(source, since, head);
    const begin = full || edge === undefined ? TreeEdge.empty(source.format) : edge;
    const check = new LogCheck(options, head, { begin, signed: await checkpointEdge(source, head) });
    if (since !== undefined && edge === undefined) check.#add({ kind: "history-changed", treeSize: since.treeSize });
    return check;
  }

  get size(): number {
    return this.#edge.size;
  }

  get canGoOn(): boolean {
    return !this.#isCut && this.#edge.size < this.head.size && this.#findings.length < MAX_FINDINGS;
  }

  async chunk(): Promise<void> {
    const { log, store } = this.options.source;
    const start = this.#edge.size;
    const end = Math.min(this.head.size, start - (start % TILE_WIDTH) + CHUNK_ENTRIES);
    const indexes = Array.from({ length: end - start }, (_, i) => start + i);
    const entries = await store.entries(log, indexes);
    const known = await this.#signedLeaves(indexes);
    const leaves: Uint8Array[] = [];
    for (const [i, entry] of entries.entries()) {
      if (entry === undefined) {
        this.#add({ kind: "entry-missing", leafIndex: start + i });
        this.#isCut = true;
        break;
      }
      leaves.push(this.#leaf(entry, known[i]));
    }
    const { edge, tiles } = this.#edge.append(leaves);
    this.#edge = edge;
    await this.#compareTiles(tiles);
  }

  async finish(): Promise<FsckReport> {
    if (!this.#isCut && this.#edge.size === this.head.size) {
      this.#compareHead();
      await this.#compareIndex();
    }
    await this.#compareEnd();
    const { source } = this.options;
    const fraud = await this.#fraud();
    for await (const finding of changedRequests({ source, edge: this.#signed })) this.#add(finding);
    const isWhole = this.#findings.length === 0 && this.options.random === undefined;
    return {
      size: this.head.size,
      from: this.#from,
      findings: this.#findings,
      mark: isWhole ? { treeSize: this.#edge.size, rootHash: this.#edge.root() } : undefined,
      fraud,
      sample: this.#sample,
    };
  }

  /** Only of a log that is sound itself: of another, its entries prove nothing. */
  async #fraud(): Promise<ProvenFraud | undefined> {
    const isLogSound = this.#findings.every(({ kind }) => kind === "segment-changed");
    if (this.#misrecorded === undefined || !isLogSound) return undefined;
    return fraudOf({ ...this.options, head: this.head, edge: this.#edge }, this.#misrecorded);
  }

  /** The leaves of the signed tree; undefined where it is not known. */
  async #signedLeaves(leafIndexes: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    const signed = this.#signed;
    if (signed === undefined) return [];
    return this.#leaves.at(
      signed,
      leafIndexes.filter((leafIndex) => leafIndex < signed.size),
    );
  }

  /**
   * The leaf to continue with: the signed tree's, or where that is not known the stored hash, so that one changed entry
   * is one finding.
   */
  #leaf(entry: StoredEntry, known: Uint8Array | undefined): Uint8Array {
    const { leafIndex, leafHash } = entry;
    const leaf = known ?? leafHash;
    const hash = textHash(this.options.source.format, utf8(entry.canonical));
    if (hash === undefined || !equalBytes(hash, leaf)) this.#add({ kind: "entry-changed", leafIndex });
    else {
      if (!equalBytes(leafHash, leaf)) this.#add({ kind: "leaf-hash-changed", leafIndex });
      this.#checkEnvelope(entry);
    }
    return leaf.length === HASH_BYTES ? leaf : new Uint8Array(HASH_BYTES);
  }

  #checkEnvelope({ leafIndex, canonical, receivedAt }: StoredEntry): void {
    const envelope = this.options.source.format.parse(canonical);
    if (envelope === undefined) {
      this.#add({ kind: "entry-malformed", leafIndex });
      return;
    }
    if (envelope.received_at !== receivedAt) this.#add({ kind: "entry-time-changed", leafIndex });
    if (envelope.received_at < this.#lastReceivedAt) this.#add({ kind: "entry-out-of-time", leafIndex });
    this.#lastReceivedAt = envelope.received_at;
    const verdict = signatureVerdict(envelope, this.options.source.format, this.options.ed25519);
    if (verdict.kind === "INVALID") this.#add({ kind: "signature-invalid", leafIndex, reason: verdict.reason });
  }

  async #compareTiles(derived: readonly FullTile[]): Promise<void> {
    if (derived.length === 0) return;
    const { log, store } = this.options.source;
    const ids = derived.map(({ id }) => id);
    const stored = await store.tiles(log, ids);
    derived.forEach(({ id, bytes }, i) => {
      const tile = stored[i];
      if (tile === undefined) this.#add({ kind: "tile-missing", tile: id });
      else if (!equalBytes(tile, bytes)) this.#add({ kind: "tile-changed", tile: id });
    });
  }

  #compareHead(): void {
    const { size, rootHash, checkpoint } = this.head;
    if (!equalBytes(this.#edge.root(), rootHash)) this.#add({ kind: "root-changed", treeSize: size });
    const opened = this.options.source.key.open(checkpoint);
    if (opened.kind === "rejected") this.#add({ kind: "checkpoint-invalid", reason: opened.reason });
    else if (opened.treeSize !== size || !equalBytes(opened.rootHash, rootHash)) {
      this.#add({ kind: "checkpoint-invalid", reason: "CHECKPOINT_MISMATCH" });
    }
  }

  /** Checks what the head says about the log's end: its last entry's time, and that no entry is beyond it. */
  async #compareEnd(): Promise<void> {
    const { source } = this.options;
    const { size, lastReceivedAt } = this.head;
    const isDated = this.#signed !== undefined && size > 0; // an empty log has no entry with a time
    const [last] = isDated ? await new EntryReader(source).read([size - 1], this.#signed) : [];
    const isTime = last?.kind !== "entry" || last.entry.envelope.received_at === lastReceivedAt;
    if (!isTime || !isReceivedAt(lastReceivedAt)) this.#add({ kind: "head-time-changed", lastReceivedAt });
    const [behind] = await source.store.entries(source.log, [size]);
    if (behind === undefined) return;
    const newer = await source.store.head(source.log); // a gateway may just have appended it
    if (newer === undefined || newer.size <= size) this.#add({ kind: "head-behind", treeSize: size });
  }

  async #compareIndex(): Promise<void> {
    const { index, source, onIndexing, random } = this.options;
    if (random === undefined) {
      for await (const segment of index.check(source.log, this.#from)) {
        this.#compareSegment(segment);
        onIndexing?.((segment.number + 1) * segmentDocuments(segment.level), this.head.size);
      }
      return;
    }
    let checked = 0;
    this.#sample = await checkedSample({ index, log: source.log }, random, (segment) => {
      this.#compareSegment(segment);
      onIndexing?.(++checked, random);
    });
  }

  #compareSegment({ level, number, isSound, misrecorded }: CheckedSegment): void {
    if (!isSound) this.#add({ kind: "segment-changed", level, number });
    this.#misrecorded ??= misrecorded;
  }

  #add(finding: Finding): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }
}

/** The edge of the tree that was verified before; undefined when what is stored no longer leads to it. */
async function edgeAt(source: TreeSource, mark: CheckedMark, head: LogHead): Promise<TreeEdge | undefined> {
  if (mark.treeSize > head.size) return undefined;
  try {
    const edge = await restoreEdge(source, mark.treeSize);
    return equalBytes(edge.root(), mark.rootHash) ? edge : undefined;
  } catch (error) {
    if (error instanceof AuditError && error.code === "LOG_CORRUPT") return undefined;
    throw error;
  }
}
