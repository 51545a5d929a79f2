import { timeText } from "../../audit/clock.js";
import type { AuditError } from "../../audit/errors.js";
import { endsLog } from "../../audit/errors.js";
import { equalBytes } from "../../core/bytes.js";
import type { TreeEdge } from "../../core/tree.js";
import type { CachedRoots } from "../tree/cached-roots.js";
import type { History, SignedRoot } from "../tree/history.js";
import type { TreeReaders } from "../tree/prover.js";
import type { SignedTree } from "../tree/signed-tree.js";
import { LogTree, type GrowthWatch } from "./log-tree.js";
import { restore, type LogEnvironment, type RestoredLog } from "./restored-log.js";
import { Sequencer, Stamps } from "./sequencer.js";

/** The parts of an open log that follow its newest tree. */
export interface NewestTreeOptions extends RestoredLog {
  readonly environment: LogEnvironment;
  readonly history: History;
  readonly readers: TreeReaders;
  readonly roots: CachedRoots;
  readonly growth: GrowthWatch;
}

/**
 * The state of a log. One that accepts no entries can still be read, as far as a tree that it signed covers its
 * entries.
 */
type LogState =
  | { readonly kind: "restored"; readonly sequencer: Sequencer; readonly tree: LogTree }
  | { readonly kind: "broken"; readonly error: AuditError; readonly edge: TreeEdge | undefined };

/** How many times the store held a tree that need not extend the last one. */
interface Replaced {
  times: number;
}

/**
 * A log's newest tree: how far the log can be read, and which tree may be shown. With a shared store this includes what
 * other gateways appended, so methods whose answer depends on that look at the store first.
 */
export class NewestTree {
  readonly #replaced: Replaced = { times: 0 };
  #state: LogState;

  /** Opens the newest tree of a log, and makes its history and its growth watch read it from now on. */
  static watched(options: NewestTreeOptions): NewestTree {
    const { tree, history, growth, environment } = options;
    const newest = new NewestTree(options);
    history.lookBy(() => newest.look());
    if (environment.sharedStore) growth.lookBy(() => newest.lookForGrowth());
    if ("error" in tree) history.breakWith(tree.error);
    return newest;
  }

  private constructor(private readonly options: NewestTreeOptions) {
    const { tree } = options;
    this.#state = "error" in tree ? { kind: "broken", ...tree } : restored(options, tree, this.#replaced);
  }

  /** Orders what is logged. Throws the reason when the log was never restored. */
  get sequencer(): Sequencer {
    if (this.#state.kind === "broken") throw this.#state.error;
    return this.#state.sequencer;
  }

  /** The newest tree that the store has shown, and what may be told of it. Throws as `sequencer`. */
  get known(): LogTree {
    if (this.#state.kind === "broken") throw this.#state.error;
    return this.#state.tree;
  }

  /** The newest tree that the store has shown; undefined when the log was never restored. */
  get seen(): SignedTree | undefined {
    return this.#state.kind === "restored" ? this.#state.tree.newest : undefined;
  }

  /**
   * The edge of the newest tree that the store has shown, which reads use. Throws LOG_CORRUPT when the log signed none.
   */
  get readable(): TreeEdge {
    if (this.#state.kind === "restored") return this.#state.tree.newest.edge;
    if (this.#state.edge !== undefined) return this.#state.edge;
    throw this.#state.error;
  }

  /** How many times the store held a tree that need not extend the last: a number of the history that is read. */
  get replacements(): number {
    return this.#replaced.times;
  }

  /** The number of entries that may be shown to followers of the log. */
  get toldSize(): number {
    return this.known.shown?.edge.size ?? 0;
  }

  /**
   * The newest tree that is known to be durable; with a shared store, as of now. Rejects with LOG_CORRUPT or
   * ROOT_CONFLICT, and with UNAVAILABLE when it cannot be confirmed now.
   */
  async tree(): Promise<SignedTree> {
    this.options.history.requireTrusted();
    await this.#catchUp();
    return this.#durable();
  }

  /**
   * Like `tree`, but asks the store only if the cache says that other gateways have a newer root or does not know. When
   * the store is behind, returns the store's newest tree.
   */
  async published(): Promise<SignedTree> {
    this.options.history.requireTrusted();
    if (this.options.environment.sharedStore) await this.#follow();
    const tree = await this.#durable();
    this.options.roots.remind(tree);
    return tree;
  }

  /**
   * A tree of at least a size, if there is one: with a shared store, another gateway may have returned one. Rejects
   * like `tree`, and with UNAVAILABLE when the size was signed but is not in the store yet.
   */
  async reaching(size: number): Promise<SignedTree> {
    this.options.history.requireTrusted();
    const { shown } = this.known;
    if (shown !== undefined && size <= shown.edge.size) return shown;
    await this.#reach(size);
    return this.#durable();
  }

  /**
   * The number of entries for a search: a damaged log, or one restored from a backup, can still be searched. A search
   * sees visible entries and does not wait for confirmation that they are durable.
   */
  async size(): Promise<number> {
    try {
      this.options.history.requireTrusted();
      await this.#catchUp();
      return this.readable.size;
    } catch (error) {
      if (!endsLog(error)) throw error;
      if (this.#state.kind === "broken") return this.readable.size;
      const { store, log } = this.options.source;
      return Math.min((await store.head(log))?.size ?? 0, this.readable.size);
    }
  }

  /**
   * The edge to read the first `size` entries with, if there are as many. Rejects with UNAVAILABLE when they are not in
   * the store yet.
   */
  async readableTo(size: number): Promise<TreeEdge> {
    if (this.options.history.isTrusted) await this.#reach(size);
    return this.readable;
  }

  /**
   * Looks for entries that others appended. While a newer tree cannot be confirmed, those who wait for growth keep
   * waiting.
   */
  async lookForGrowth(): Promise<void> {
    await this.sequencer.refresh();
    await this.#durable().catch(() => undefined);
  }

  /**
   * Reads the newest tree, for the history to assess. Rejects LOG_CORRUPT or ROOT_CONFLICT while the log cannot be trusted, and
   * when the store does not answer.
   */
  async look(): Promise<void> {
    if (this.#state.kind === "broken") await this.#restoreAgain(this.#state.error);
    await this.sequencer.refresh();
  }

  /** Makes entries that others appended visible here. */
  async #catchUp(): Promise<void> {
    if (this.options.environment.sharedStore) await this.sequencer.refresh();
  }

  /**
   * Looks for a tree of a size not seen yet. Rejects with UNAVAILABLE when the size was signed but is not in the store
   * yet.
   */
  async #reach(size: number): Promise<void> {
    const { history, environment } = this.options;
    const isReached = (): boolean => size <= this.known.newest.edge.size;
    if (isReached()) return;
    await this.#catchUp();
    if (!isReached() && environment.sharedStore) await this.#follow();
    if (!isReached() && size <= history.requiredSize) throw history.behind();
  }

  async #follow(): Promise<void> {
    const { history, roots } = this.options;
    const published = await roots.published();
    if (published === undefined || this.#isNews(published)) await this.sequencer.refresh();
    if (published !== undefined && this.#isNews(published)) await history.follow(published, this.known.newest);
    history.requireTrusted();
  }

  /** Whether a root is not known to be one of this log. Of the sizes below the newest tree's, that is not asked. */
  #isNews({ treeSize, rootHash }: SignedRoot): boolean {
    const { edge, rootHash: seen } = this.known.newest;
    return treeSize > edge.size || (treeSize === edge.size && !equalBytes(rootHash, seen));
  }

  /** Only a durable tree is signed: any other could contradict the log after the next failover, for ever. */
  #durable(): Promise<SignedTree> {
    return this.known.confirmed();
  }

  async #restoreAgain(error: AuditError): Promise<void> {
    const { source, environment } = this.options;
    const tree = await restore(source, timeText(environment.clock()), environment.alarm);
    if ("error" in tree) throw error;
    this.#state = restored(this.options, tree, this.#replaced);
  }
}

/** The state of a log whose tree was restored: what follows its tree, and the sequencer that extends it. */
function restored(options: NewestTreeOptions, tree: SignedTree, replaced: Replaced): LogState {
  const { source, environment, history, readers, roots, growth } = options;
  const { clock, limits, appendTimeoutMs, onWaiting, alarm, note } = environment;
  const known = new LogTree({
    ...{ source, tree },
    onShown: () => {
      growth.grown();
    },
    onDurable: (durable) => {
      roots.publish(durable);
    },
  });
  const sequencer = new Sequencer({
    ...{ source, tree: known, history, limits, appendTimeoutMs },
    stamps: new Stamps({ log: source.log, clock, lastReceivedAt: tree.lastReceivedAt, alarm, note }),
    onWaiting: (events) => onWaiting?.(source.log, events),
    onAppended: (batch) => {
      readers.keep(batch);
    },
    // The new tree need not extend the last one, so nothing that was derived from that may be used for it.
    onReplaced: () => {
      replaced.times += 1;
      readers.startAnew();
      roots.forget();
    },
  });
  return { kind: "restored", sequencer, tree: known };
}
