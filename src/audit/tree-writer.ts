import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, HASH_BYTES } from "../core/bytes.js";
import { deadline } from "./deadline.js";
import { AuditError, endsLog } from "./errors.js";
import { growTree, type Growth } from "./growth.js";
import type { HistoryGuard, SignedRoot } from "./history-guard.js";
import type { Submission } from "./queue.js";
import { extendTree, restoreTree, type SignedTree, type TreeSource } from "./signed-tree.js";
import type { AppendOutcome, LogHead, StoredTile } from "./store.js";

/** Answers what has come meanwhile and has room in a batch that is begun. */
type Arrived = (begun: readonly Submission[]) => readonly Submission[];

export interface TreeWriterOptions {
  readonly source: TreeSource;
  /** The newest durable tree. */
  readonly tree: SignedTree;
  /** After this an append counts as one of unknown outcome. Default 30,000. */
  readonly appendTimeoutMs?: number;
  /** Told of each tree once it is durable, and of the tiles that this process filled with it. */
  readonly onGrown?: (tree: SignedTree, full: readonly StoredTile[]) => void;
  /** Told of a tree that need not extend the last: what was derived from that is not to be used for it. */
  readonly onReplaced?: (tree: SignedTree) => void;
  /** Says whether the log may be written. */
  readonly guard: HistoryGuard;
}

/** How often another gateway may be faster before a request is turned away. */
const MAX_CONFLICTS = 50;
/** How long to wait before each look at the head after an append of unknown outcome. */
const LOOK_DELAYS_MS = [0, 50, 200, 1_000];
const RETRY_AFTER_MS = 1_000;

/**
 * Owns a log's newest tree. A tree takes the last one's place when the store has said that it is durable, or when it was read
 * back from the store and found to extend the last; so indexes are dense and roots only grow. Where the store does not hold
 * the last one any more, what it does hold takes its place, to be read alone: the guard lets nothing be written on it before
 * it has grown into a tree that the last one is a prefix of.
 * One call at a time: the sequencer sees to that.
 */
export class TreeWriter {
  #tree: SignedTree;
  /** Set while the outcome of an append is unknown: nothing is written before the head has been looked at. */
  #isInDoubt = false;
  /** The newest tree that could be written on: whatever becomes of the store, the log has to lead to it. */
  #kept: SignedTree | undefined;

  constructor(private readonly options: TreeWriterOptions) {
    this.#tree = options.tree;
  }

  /** The newest tree that is known to be durable. */
  get tree(): SignedTree {
    return this.#tree;
  }

  /**
   * Writes a batch, on top of whatever the log has become meanwhile, but for requests whose key is in the log already:
   * those are answered here. What has `arrived` while others had their turn goes with it: a gateway that gets one turn in
   * four writes in it what came during all four. Undefined when nothing is left. Rejects with an AuditError alone.
   */
  async write(batch: readonly Submission[], arrived: Arrived = () => []): Promise<Growth | undefined> {
    try {
      return await this.#write(batch, arrived);
    } catch (error) {
      throw error instanceof AuditError ? error : unavailable("The store failed.", error);
    }
  }

  /**
   * Takes the store's head for the newest tree, and compares it with what was signed. Rejects LOG_CORRUPT or ROOT_CONFLICT
   * while the log cannot be trusted; resolves where the store is behind, which the guard then says.
   */
  async reload(): Promise<void> {
    const { guard, source } = this.options;
    if (guard.isClear) this.#kept = this.#tree;
    try {
      const head = await source.store.head(source.log);
      if (head === undefined) throw new AuditError("LOG_CORRUPT", `The log ${source.log} is gone from the store.`);
      if (guard.isTrusted && head.size >= this.#tree.edge.size) await this.#extend(head);
      else await this.#replace(head);
      this.#isInDoubt = false;
    } catch (error) {
      if (endsLog(error)) guard.breakWith(error);
      throw error;
    }
    guard.requireTrusted();
  }

  async #extend(head: LogHead): Promise<void> {
    const { guard, source, onGrown } = this.options;
    const tree = await extendTree(source, this.#tree, head);
    if (tree.edge.size > this.#tree.edge.size) {
      this.#tree = tree;
      onGrown?.(tree, []);
    }
    // Broken meanwhile, it has to be read as a whole.
    if (guard.isTrusted) await guard.assess(tree);
  }

  /** Reads the tree as a whole: nothing that is known of the last one can be built on. */
  async #replace(head: LogHead): Promise<void> {
    const { guard, source, onReplaced } = this.options;
    if (this.#kept !== undefined) guard.require("known", signedRoot(this.#kept));
    this.#tree = await restoreTree(source, head);
    onReplaced?.(this.#tree);
    await guard.assess(this.#tree);
  }

  async #write(batch: readonly Submission[], arrived: Arrived): Promise<Growth | undefined> {
    if (this.#isInDoubt) await this.reload();
    let unwritten = batch;
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      if (unwritten.length === 0) return undefined;
      this.options.guard.requireWritable();
      if (attempt > 0) unwritten = [...unwritten, ...arrived(unwritten)];
      const growth = growTree(this.options.source, this.#tree, unwritten);
      const outcome = await this.#append(growth);
      if (outcome.kind === "appended") return this.#advance(growth);
      if (outcome.kind === "unknown") return this.#settleDoubt(growth, outcome.cause);
      if (outcome.kind === "repeated") unwritten = await this.#answerRepeated(unwritten);
      else await this.reload();
    }
    throw unavailable("Other gateways kept appending to the log first: try again.");
  }

  async #append({ batch }: Growth): Promise<WriteOutcome> {
    try {
      return await deadline(this.options.source.store.append(batch), this.options.appendTimeoutMs ?? 30_000);
    } catch (cause) {
      this.#isInDoubt = true;
      return { kind: "unknown", cause };
    }
  }

  /** Answers the requests whose key is in the log, put there by another gateway; what is left is still to be written. */
  async #answerRepeated(batch: readonly Submission[]): Promise<readonly Submission[]> {
    const { log, store } = this.options.source;
    const keyed = batch.flatMap(({ requestKey }) => requestKey ?? []);
    const keys = keyed.map(({ key }) => key);
    const found = await store.receipts(log, keys);
    const receipts = new Map(keyed.map((requestKey, place) => [requestKey, found[place]]));
    return batch.filter(({ requestKey, resolve }) => {
      const receipt = requestKey && receipts.get(requestKey);
      if (receipt !== undefined) resolve({ kind: "repeated", receipt });
      return receipt === undefined;
    });
  }

  #advance(growth: Growth): Growth {
    this.#tree = growth.tree;
    this.#kept = growth.tree;
    this.options.onGrown?.(growth.tree, growth.batch.tiles);
    return growth;
  }

  /** Finds out what became of an append that did not say: a batch found at its place was written after all. */
  async #settleDoubt(growth: Growth, cause: unknown): Promise<Growth> {
    await this.#lookAgain(cause);
    if (await this.#holds(growth)) return growth;
    throw unavailable("The store did not take the entries: try again.", cause);
  }

  async #lookAgain(cause: unknown): Promise<void> {
    for (const delayMs of LOOK_DELAYS_MS) {
      await sleep(delayMs);
      try {
        await this.reload();
        this.options.guard.requireWritable(); // a store that is behind does not hold what may be in another one
        return;
      } catch (error) {
        if (endsLog(error)) throw error;
      }
    }
    throw unavailable("The store cannot be reached, and it is not known whether the entries were stored.", cause);
  }

  async #holds({ batch, tree }: Growth): Promise<boolean> {
    if (this.#tree.edge.size < tree.edge.size) return false;
    const { log, store } = this.options.source;
    const stored = await store.leafHashes(log, { start: batch.expectedSize, end: tree.edge.size });
    return batch.entries.every(({ leafHash }, place) =>
      equalBytes(leafHash, stored.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)),
    );
  }
}

function signedRoot({ edge, rootHash }: SignedTree): SignedRoot {
  return { treeSize: edge.size, rootHash };
}

type WriteOutcome = AppendOutcome | { readonly kind: "unknown"; readonly cause: unknown };

function unavailable(message: string, cause?: unknown): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
}
