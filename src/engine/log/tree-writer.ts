import { deadline, outcomeKnown } from "../../audit/calls.js";
import { AuditError, endsLog, withOutcome, type WriteOutcome } from "../../audit/errors.js";
import type { AppendBatch, AppendOutcome, LogHead } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { BoundLeaves } from "../tree/entries.js";
import type { History, SignedRoot } from "../tree/history.js";
import {
  extendTree,
  inSnapshot,
  noHead,
  restoreTree,
  type SignedTree,
  type TreeSource,
  type TreeView,
} from "../tree/signed-tree.js";
import { TileReader } from "../tree/tile-reader.js";
import { growTree, type Growth, type Submission } from "./batch.js";
import type { LogTree } from "./log-tree.js";

/** Returns requests that arrived meanwhile and fit into a batch already begun. */
type Arrived = (begun: readonly Submission[]) => readonly Submission[];

export interface TreeWriterOptions {
  readonly source: TreeSource;
  /** What is written is on top of its newest tree, and becomes it. */
  readonly tree: LogTree;
  /** After this an append counts as one of unknown outcome. Default 30,000. */
  readonly appendTimeoutMs?: number | undefined;
  /** Called with each batch of this process, once it is stored and durable. */
  readonly onAppended?: (batch: AppendBatch) => void;
  /** Called when a tree takes the last one's place that may not extend it: what was derived from the last must not be used for it. */
  readonly onReplaced?: () => void;
  /** Says whether the log may be written. */
  readonly history: History;
}

/** How often another gateway may be faster before a request is refused. */
const MAX_CONFLICTS = 50;
/** How long to wait before each look at the head after an append of unknown outcome. */
const LOOK_DELAYS_MS = [0, 50, 200, 1_000];
const RETRY_AFTER_MS = 1_000;
const APPEND_TIMEOUT_MS = 30_000;

const NOT_TAKEN = "The store did not accept the entries: try again.";
const REPEAT = "Repeat the request under its idempotency key, or search for it first.";
const NOT_SEEN = `The store did not report whether the entries were stored: they are not there now, but may still be stored. ${REPEAT}`;
const NOT_KNOWN = `The store cannot be reached, and it is not known whether the entries were stored. ${REPEAT}`;

/**
 * Writes a log's newest tree. A tree takes the last one's place when the store has said that it is durable, or when it was read
 * back from the store and found to extend the last; so indexes are dense and roots only grow. What was read back is written on
 * top of, for the next commit covers it; nobody is told of it before it is known to be durable. Where the store does not hold
 * the last one any more, what it does hold takes its place, to be read alone: the history lets nothing be written on it before
 * it has grown into a tree of which every one that was told of is a prefix.
 * One write or reload at a time: the sequencer sees to that.
 */
export class TreeWriter {
  /** Set while the outcome of an append is unknown: nothing is written before the head has been read again. */
  #isInDoubt = false;

  constructor(private readonly options: TreeWriterOptions) {}

  /**
   * Writes a batch on top of what the log has become, except requests whose key is already in the log: those are
   * resolved here. Requests that `arrived` while others had their turn are added: a gateway that gets one turn in four
   * writes what came during all four. Undefined when nothing is left to write. Rejects with AuditError only;
   * UNAVAILABLE carries an outcome, which is NONE for every failure before an append began.
   */
  async write(batch: readonly Submission[], arrived: Arrived = () => []): Promise<Growth | undefined> {
    try {
      return await outcomeKnown(this.#write(batch, arrived), "NONE");
    } catch (error) {
      throw error instanceof AuditError ? error : unavailable("The store failed.", { cause: error, outcome: "NONE" });
    }
  }

  /**
   * Takes the store's head for the newest tree, and compares it with what was signed. Rejects LOG_CORRUPT or ROOT_CONFLICT
   * while the log cannot be trusted; resolves where the store is behind, which the history then says.
   */
  async reload(): Promise<void> {
    const { history, source } = this.options;
    await this.#judged(async () => {
      if (this.#isInDoubt || !history.isClear || !this.#isNewest(await source.store.head(source.log))) {
        await inSnapshot(source, (view) => this.#follow(view));
      }
    });
  }

  /** Takes what others appended: with the turn, where the store gives one; without, by a reload when something is missing. */
  async #catchUp(isBehind: boolean): Promise<void> {
    const { source } = this.options;
    const { log, store } = source;
    const reads = await store.turn?.(log, this.#newest.edge.size);
    if (reads === undefined) return isBehind ? this.reload() : undefined;
    await this.#judged(async () => {
      if (!this.#isNewest(await reads.head(log))) await this.#follow({ ...source, store: reads });
    });
  }

  async #judged(look: () => Promise<void>): Promise<void> {
    const { history } = this.options;
    try {
      await look();
      this.#isInDoubt = false;
    } catch (error) {
      if (endsLog(error)) history.breakWith(error);
      throw error;
    }
    history.requireTrusted();
  }

  get #newest(): SignedTree {
    return this.options.tree.newest;
  }

  #isNewest(head: LogHead | undefined): boolean {
    const { edge, rootHash, checkpoint } = this.#newest;
    return head?.size === edge.size && head.checkpoint === checkpoint && equalBytes(head.rootHash, rootHash);
  }

  async #follow(view: TreeView): Promise<void> {
    const head = await view.store.head(view.log);
    if (head === undefined) throw await noHead(view);
    const isLonger = this.options.history.isTrusted && head.size >= this.#newest.edge.size;
    if (!isLonger || !(await this.#extend(view, head))) await this.#replace(view, head);
  }

  /**
   * False when the head does not extend the newest tree, but that tree was never shown: a failover lost what was only
   * visible.
   */
  async #extend(view: TreeView, head: LogHead): Promise<boolean> {
    const { history, tree: known } = this.options;
    const before = known.newest;
    const isTold = (known.shown?.edge.size ?? 0) >= before.edge.size;
    const tree = await extendTree(view, before, head);
    if (tree === undefined && isTold) throw history.diverged(head.size, before);
    if (tree === undefined) return false;
    known.extended(tree);
    // Broken meanwhile, it has to be read as a whole.
    if (history.isTrusted) await history.assess(tree, view);
    return true;
  }

  /** Reads the tree as a whole: nothing known about the last one can be reused. */
  async #replace(view: TreeView, head: LogHead): Promise<void> {
    const { history, onReplaced, tree: known } = this.options;
    const tree = await restoreTree(view, head);
    // A tree that was never shown may be lost. In one step with the rest: readers see the last tree until it is
    // replaced.
    const { shown } = known;
    if (shown !== undefined) history.require("known", signedRoot(shown));
    known.replaced(tree);
    onReplaced?.();
    await history.assess(tree, view);
  }

  async #write(batch: readonly Submission[], arrived: Arrived): Promise<Growth | undefined> {
    if (this.#isInDoubt) await this.reload();
    const takesTurns = this.options.source.store.turn !== undefined;
    let isBehind = false;
    let unwritten = batch;
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      if (unwritten.length === 0) return undefined;
      if (isBehind || takesTurns) await this.#catchUp(isBehind);
      this.options.history.requireWritable();
      unwritten = [...unwritten, ...arrived(unwritten)];
      const growth = growTree(this.options.source, this.#newest, unwritten);
      const outcome = await this.#append(growth);
      if (outcome.kind === "appended") return this.#advance(growth);
      if (outcome.kind === "unknown") return this.#settleDoubt(growth, outcome.cause);
      if (outcome.kind === "refused") throw unavailable(NOT_TAKEN, { cause: outcome.cause, outcome: "NONE" });
      if (outcome.kind === "repeated") unwritten = await this.#answerRepeated(unwritten);
      isBehind = outcome.kind === "conflict";
    }
    throw unavailable("Other gateways kept appending to the log first: try again.", { outcome: "NONE" });
  }

  async #append({ batch }: Growth): Promise<Attempt> {
    try {
      return await deadline(this.options.source.store.append(batch), this.options.appendTimeoutMs ?? APPEND_TIMEOUT_MS);
    } catch (cause) {
      if (cause instanceof AuditError && cause.outcome === "NONE") return { kind: "refused", cause };
      this.#isInDoubt = true;
      return { kind: "unknown", cause };
    }
  }

  /** Resolves the requests whose key another gateway put into the log; returns those still to be written. */
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
    this.options.onAppended?.(growth.batch);
    this.options.tree.appended(growth.tree);
    return growth;
  }

  /**
   * Finds out what became of an append that did not report it: a batch found at its place was written after all, and is
   * acknowledged once it is known to be durable. One that is not found may still be on its way.
   */
  async #settleDoubt(growth: Growth, cause: unknown): Promise<Growth> {
    try {
      await this.#lookAgain(cause);
      if (!(await this.#holds(growth))) throw unavailable(NOT_SEEN, { cause });
      await this.options.tree.require(growth.tree.edge.size);
      return growth;
    } catch (error) {
      throw error instanceof AuditError ? withOutcome(error, "UNKNOWN") : unavailable(NOT_KNOWN, { cause: error });
    }
  }

  async #lookAgain(cause: unknown): Promise<void> {
    for (const delayMs of LOOK_DELAYS_MS) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      try {
        await this.reload();
        this.options.history.requireWritable(); // a store that is behind does not hold what may be in another one
        return;
      } catch (error) {
        if (endsLog(error)) throw error;
      }
    }
    throw unavailable(NOT_KNOWN, { cause });
  }

  /** Whether the tree has the batch's leaves at their indexes. Does not rely on what the rows say about themselves. */
  async #holds({ batch, tree }: Growth): Promise<boolean> {
    if (this.#newest.edge.size < tree.edge.size) return false;
    const { source } = this.options;
    const leafIndexes = batch.entries.map((_, place) => batch.expectedSize + place);
    const leaves = await new BoundLeaves(source, new TileReader(source)).at(this.#newest.edge, leafIndexes);
    return batch.entries.every(({ leafHash }, place) => {
      const leaf = leaves[place];
      return leaf !== undefined && equalBytes(leafHash, leaf);
    });
  }
}

function signedRoot({ edge, rootHash }: SignedTree): SignedRoot {
  return { treeSize: edge.size, rootHash };
}

type Attempt = AppendOutcome | { readonly kind: "refused" | "unknown"; readonly cause: unknown };

interface Detail {
  readonly cause?: unknown;
  /** Default UNKNOWN. */
  readonly outcome?: WriteOutcome;
}

function unavailable(message: string, { cause, outcome = "UNKNOWN" }: Detail): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause, outcome });
}
