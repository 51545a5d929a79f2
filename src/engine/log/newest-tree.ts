import { endsLog, type AuditError } from "../../audit/errors.js";
import type { TreeEdge } from "../../core/edge.js";
import type { CachedRoots } from "../tree/cached-roots.js";
import type { SignedTree } from "../tree/signed-tree.js";
import { restore, type LogEnvironment, type RestoredLog } from "./restored-log.js";
import { Sequencer } from "./sequencer.js";
import { Stamps } from "./stamps.js";
import type { TreeWriterOptions } from "./tree-writer.js";

type WriterOptions = Required<Pick<TreeWriterOptions, "guard" | "onFilled" | "onReplaced">>;

export interface NewestTreeOptions extends RestoredLog, WriterOptions {
  readonly environment: LogEnvironment;
  readonly roots: Pick<CachedRoots, "published" | "publish">;
  /** Told of each tree that proofs may be made of: one that was restored, or that may be told of. */
  readonly onTree: (tree: SignedTree) => void;
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
    const { tree, guard } = options;
    if ("error" in tree) guard.breakWith(tree.error);
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
    this.options.guard.requireTrusted();
    await this.#catchUp();
    return this.#durable();
  }

  /**
   * As tree; but the cache says whether other gateways have a newer root, and the store is asked only if they have or if the
   * cache does not know. Where the store is behind, its own newest is the answer.
   */
  async published(): Promise<SignedTree> {
    this.options.guard.requireTrusted();
    if (this.options.environment.sharedStore) await this.#follow();
    return this.#durable();
  }

  /**
   * A tree of at least a size, if there is one: with a shared store, another gateway may have answered with it. Rejects as
   * tree, and UNAVAILABLE when the size has been signed but is not in the store yet.
   */
  async reaching(size: number): Promise<SignedTree> {
    this.options.guard.requireTrusted();
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
      this.options.guard.requireTrusted();
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
    if (this.options.guard.isTrusted) await this.#reach(size);
    return this.readable;
  }

  /** Looks for what others appended. Who waits for the log to grow waits on where a newer tree cannot be confirmed. */
  async lookForGrowth(): Promise<void> {
    await this.sequencer.refresh();
    await this.#durable().catch(() => undefined);
  }

  /**
   * Reads the newest tree, for the guard to assess. Rejects LOG_CORRUPT or ROOT_CONFLICT while the log cannot be trusted, and
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
    const { guard, environment } = this.options;
    const isReached = (): boolean => size <= this.sequencer.seen.edge.size;
    if (isReached()) return;
    await this.#catchUp();
    if (!isReached() && environment.sharedStore) await this.#follow();
    if (!isReached() && size <= guard.requiredSize) throw guard.behind();
  }

  async #follow(): Promise<void> {
    const { guard, roots } = this.options;
    const published = await roots.published(this.sequencer.seen);
    const known = this.sequencer.seen.edge.size;
    if (published === undefined || published.treeSize > known) await this.sequencer.refresh();
    if (published !== undefined && published.treeSize > this.sequencer.seen.edge.size) {
      await guard.follow(published, this.sequencer.seen);
    }
    guard.requireTrusted();
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
    const { source, environment, guard, roots, onTree, onFilled, onReplaced } = this.options;
    const { clock, limits, appendTimeoutMs, onWaiting, alarm, note } = environment;
    onTree(tree);
    const sequencer = new Sequencer({
      ...{ source, tree, guard, onFilled, onReplaced },
      stamps: new Stamps({ log: source.log, clock, lastReceivedAt: tree.lastReceivedAt, alarm, note }),
      ...(limits === undefined ? {} : { limits }),
      onWaiting: (events) => onWaiting?.(source.log, events),
      ...(appendTimeoutMs === undefined ? {} : { appendTimeoutMs }),
      onGrown: onTree,
      onDurable: (durable) => {
        roots.publish(durable);
      },
    });
    return { kind: "restored", sequencer };
  }
}
