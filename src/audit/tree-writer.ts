import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, HASH_BYTES } from "../core/bytes.js";
import { deadline } from "./deadline.js";
import { AuditError, endsLog } from "./errors.js";
import { growTree, type Growth } from "./growth.js";
import type { Submission } from "./queue.js";
import { extendTree, type SignedTree, type TreeSource } from "./signed-tree.js";
import type { AppendOutcome, StoredTile } from "./store.js";

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
  /** Told when the log can take no more entries. */
  readonly onBroken?: (error: AuditError) => void;
}

/** How often another gateway may be faster before a request is turned away. */
const MAX_CONFLICTS = 50;
/** How long to wait before each look at the head after an append of unknown outcome. */
const LOOK_DELAYS_MS = [0, 50, 200, 1_000];
const RETRY_AFTER_MS = 1_000;

/**
 * Owns a log's newest tree. A tree takes the last one's place only when the store has said that it is durable, or when it
 * was read back from the store and found to extend the last; so indexes are dense and roots only grow.
 * One call at a time: the sequencer sees to that.
 */
export class TreeWriter {
  #tree: SignedTree;
  /** Set while the outcome of an append is unknown: nothing is written before the head has been looked at. */
  #isInDoubt = false;
  #broken: AuditError | undefined;

  constructor(private readonly options: TreeWriterOptions) {
    this.#tree = options.tree;
  }

  /** The newest tree that is known to be durable. */
  get tree(): SignedTree {
    return this.#tree;
  }

  /** Throws LOG_CORRUPT or ROOT_CONFLICT when the log takes no more entries. */
  requireSound(): void {
    if (this.#broken !== undefined) throw this.#broken;
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

  /** Takes the store's head for the newest tree, once it is proven to extend the one known. */
  async reload(): Promise<void> {
    const { log, store } = this.options.source;
    const head = await store.head(log);
    try {
      if (head === undefined) throw new AuditError("LOG_CORRUPT", `The log ${log} is gone from the store.`);
      const tree = await extendTree(this.options.source, this.#tree, head);
      this.#isInDoubt = false;
      if (tree.edge.size === this.#tree.edge.size) return;
      this.#tree = tree;
      this.options.onGrown?.(tree, []);
    } catch (error) {
      if (endsLog(error)) this.breakWith(error);
      throw error;
    }
  }

  /** The log takes no more entries, for the reason given. */
  breakWith(error: AuditError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.options.onBroken?.(error);
  }

  async #write(batch: readonly Submission[], arrived: Arrived): Promise<Growth | undefined> {
    if (this.#isInDoubt) await this.reload();
    let unwritten = batch;
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      if (unwritten.length === 0) return undefined;
      this.requireSound();
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

type WriteOutcome = AppendOutcome | { readonly kind: "unknown"; readonly cause: unknown };

function unavailable(message: string, cause?: unknown): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
}
