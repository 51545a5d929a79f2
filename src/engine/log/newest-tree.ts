import { endsLog, type AuditError } from "../../audit/errors.js";
import type { TreeEdge } from "../../core/edge.js";
import type { CachedRoots } from "../tree/cached-roots.js";
import type { History } from "../tree/history.js";
import type { SignedTree } from "../tree/signed-tree.js";
import type { TreeReaders } from "../tree/tree-readers.js";
import { restore, type LogEnvironment, type RestoredLog } from "./restored-log.js";
import { Sequencer } from "./sequencer.js";
import { Stamps } from "./stamps.js";
import type { GrowthWatch } from "./growth-watch.js";

/** The parts of an open log that follow its newest tree. */
export interface NewestTreeOptions extends RestoredLog {
  readonly environment: LogEnvironment;
  readonly history: History;
  readonly readers: TreeReaders;
  readonly roots: CachedRoots;
  readonly growth: GrowthWatch;
}

/** A log that takes no entries is still there to be read, as far as a tree that it signed says what its entries are. */
type LogState =
  | { readonly kind: "restored"; readonly sequencer: Sequencer }
  | { readonly kind: "broken"; readonly error: AuditError; readonly edge: TreeEdge | undefined };

/**
 * The newest tree of a log: how far the log can be read, and of which tree may be told. With a shared store, what other
 * gateways appended counts as well: it is looked for before a question is answered that depends on it.
 */
export class NewestTree {
  #state: LogState;

  constructor(private readonly options: NewestTreeOptions) {
    const { tree, history, growth, environment } = options;
    history.lookBy(() => this.look());
    if (environment.sharedStore) growth.lookBy(() => this.lookForGrowth());
    if ("error" in tree) history.breakWith(tree.error);
    this.#state = "error" in tree ? { kind: "broken", ...tree } : this.#restored(tree);
  }

  /** Orders what is logged. Throws why the log was never restored. */
  get sequencer(): Sequencer {
    if (this.#state.kind === "broken") throw this.#state.error;
    return this.#state.sequencer;
  }

  /** The newest tree that the store has shown; undefined where the log was never restored. */
  get seen(): SignedTree | undefined {
    return this.#state.kind === "restored" ? this.#state.sequencer.seen : undefined;
  }

  /** The newest tree that the store has shown: what is read is of it. Throws LOG_CORRUPT where there is none that the log signed. */
  get readable(): TreeEdge {
    if (this.#state.kind === "restored") return this.#state.sequencer.seen.edge;
    if (this.#state.edge !== undefined) return this.#state.edge;
    throw this.#state.error;
  }

  /** The entries that may be told of to who follows the log. */
  get toldSize(): number {
    return this.sequencer.durable.shown?.edge.size ?? 0;
  }

  /**
   * The newest tree of this process, known to be durable; with a shared store, as it is now. Rejects LOG_CORRUPT or
   * ROOT_CONFLICT, and UNAVAILABLE when it cannot be confirmed now.
   */
  async tree(): Promise<SignedTree> {
    this.options.history.requireTrusted();
    await this.#catchUp();
    return this.#durable();
  }

  /**
   * As tree; but the cache says whether other gateways have a newer root, and the store is asked only if they have or if the
   * cache does not know. Where the store is behind, its own newest is the answer.
   */
  async published(): Promise<SignedTree> {
    this.options.history.requireTrusted();
    if (this.options.environment.sharedStore) await this.#follow();
    return this.#durable();
  }

  /**
   * A tree of at least a size, if there is one: with a shared store, another gateway may have answered with it. Rejects as
   * tree, and UNAVAILABLE when the size has been signed but is not in the store yet.
   */
  async reaching(size: number): Promise<SignedTree> {
    this.options.history.requireTrusted();
    const { shown } = this.sequencer.durable;
    if (shown !== undefined && size <= shown.edge.size) return shown;
    await this.#reach(size);
    return this.#durable();
  }

  /**
   * The entries there are, for a search: a damaged log, or one restored from a backup, can still be searched. They are visible,
   * and a search does not wait until it is confirmed that they are durable.
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

  /** What to read the first `size` entries of, if there are as many. Rejects UNAVAILABLE when they are not in the store yet. */
  async readableTo(size: number): Promise<TreeEdge> {
    if (this.options.history.isTrusted) await this.#reach(size);
    return this.readable;
  }

  /** Looks for what others appended. Who waits for the log to grow waits on where a newer tree cannot be confirmed. */
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

  /** What others appended is seen from now on. */
  async #catchUp(): Promise<void> {
    if (this.options.environment.sharedStore) await this.sequencer.refresh();
  }

  /** Looks for a tree of a size where none was seen. Rejects UNAVAILABLE when it has been signed but is not in the store yet. */
  async #reach(size: number): Promise<void> {
    const { history, environment } = this.options;
    const isReached = (): boolean => size <= this.sequencer.seen.edge.size;
    if (isReached()) return;
    await this.#catchUp();
    if (!isReached() && environment.sharedStore) await this.#follow();
    if (!isReached() && size <= history.requiredSize) throw history.behind();
  }

  async #follow(): Promise<void> {
    const { history, roots } = this.options;
    const published = await roots.published(this.sequencer.seen);
    const known = this.sequencer.seen.edge.size;
    if (published === undefined || published.treeSize > known) await this.sequencer.refresh();
    if (published !== undefined && published.treeSize > this.sequencer.seen.edge.size) {
      await history.follow(published, this.sequencer.seen);
    }
    history.requireTrusted();
  }

  /** What is signed leaves only of a tree that lasts: else it would contradict the log after the next failover, for ever. */
  #durable(): Promise<SignedTree> {
    return this.sequencer.durable.confirmed(this.sequencer.seen);
  }

  async #restoreAgain(error: AuditError): Promise<void> {
    const { source, environment } = this.options;
    const head = await source.store.head(source.log);
    const tree = head && (await restore(source, head, environment.alarm));
    if (tree === undefined || "error" in tree) throw error;
    this.#state = this.#restored(tree);
  }

  #restored(tree: SignedTree): LogState {
    const { source, environment, history, readers, roots } = this.options;
    const { clock, limits, appendTimeoutMs, onWaiting, alarm, note } = environment;
    this.#show(tree);
    const sequencer = new Sequencer({
      ...{ source, tree, history, limits, appendTimeoutMs },
      stamps: new Stamps({ log: source.log, clock, lastReceivedAt: tree.lastReceivedAt, alarm, note }),
      onWaiting: (events) => onWaiting?.(source.log, events),
      onGrown: (grown) => {
        this.#show(grown);
      },
      onDurable: (durable) => {
        roots.publish(durable);
      },
      onFilled: (full) => {
        readers.keep(full);
      },
      onReplaced: (other) => {
        this.#replace(other);
      },
    });
    return { kind: "restored", sequencer };
  }

  /** Proofs may be made of a tree that was restored, or that may be told of. */
  #show(tree: SignedTree): void {
    this.options.readers.prover.trust(tree);
    this.options.growth.grown();
  }

  /** What was derived from the last tree is not to be used for one that need not extend it. */
  #replace(tree: SignedTree): void {
    const { readers, roots, growth } = this.options;
    readers.readFrom(tree);
    roots.forget();
    growth.grown();
  }
}
