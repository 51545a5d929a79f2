import { AuditError } from "../../audit/errors.js";
import type { Durability } from "../../audit/store.js";
import type { TreeEdge } from "../../core/tree.js";
import type { History } from "../tree/history.js";
import { TreeReaders } from "../tree/prover.js";
import { leadsTo, inSnapshot, type SignedTree, type TreeSource } from "../tree/signed-tree.js";

export interface LogTreeOptions {
  readonly source: TreeSource;
  /** The newest tree that the store has shown. */
  readonly tree: SignedTree;
  /** Called when a newer tree may be shown: a durable one, or what a replica shows. */
  readonly onShown?: (() => void) | undefined;
  /** Called with each newer tree that is durable. */
  readonly onDurable?: ((tree: SignedTree) => void) | undefined;
}

/**
 * The newest tree that a log's store has shown, and how far the log is known to be durable apart from that. After a crash, or when the wait for a
 * synchronous replica was cut short, a store shows transactions that a failover loses. A signed root of such a tree
 * would contradict the log for ever, and an acknowledgement would be false. So neither is given out before an append of
 * this process returned `appended` or the store confirmed what was read; both cover everything before.
 */
export class LogTree {
  #newest: SignedTree;
  #shown: SignedTree | undefined;
  /** An empty log has nothing to lose. */
  #durableSize = 0;
  /** Incremented by each `replaced`. */
  #replacements = 0;

  constructor(private readonly options: LogTreeOptions) {
    this.#newest = options.tree;
  }

  /** The newest tree that the store has shown, which reads use. */
  get newest(): SignedTree {
    return this.#newest;
  }

  /** The newest tree that may be shown; undefined until the first. */
  get shown(): SignedTree | undefined {
    return this.#shown;
  }

  /** An append reported that everything up to its tree is durable. */
  appended(tree: SignedTree): void {
    this.#newest = tree;
    this.#reach(tree);
  }

  /** The store has grown by what others appended. */
  extended(tree: SignedTree): void {
    this.#newest = tree;
  }

  #reach(tree: SignedTree): void {
    if (tree.edge.size <= this.#durableSize) return;
    this.#durableSize = tree.edge.size;
    this.#show(tree);
    this.options.onDurable?.(tree);
  }

  /**
   * The store holds another tree than the last, possibly a shorter one: what was known of the last does not apply to
   * it.
   */
  replaced(tree: SignedTree): void {
    this.#newest = tree;
    this.#shown = undefined;
    this.#durableSize = 0;
    this.#replacements += 1;
  }

  /**
   * Resolves when the newest tree may be shown. Rejects with UNAVAILABLE when it cannot be confirmed now.
   */
  async confirmed(): Promise<SignedTree> {
    const tree = this.#newest;
    await this.#confirm(tree);
    return tree;
  }

  /**
   * Resolves when the first `size` entries of the newest tree are durable, so that they may be acknowledged. Rejects with
   * UNAVAILABLE when that cannot be confirmed now.
   */
  async require(size: number): Promise<void> {
    if (size <= this.#durableSize || (await this.#confirm(this.#newest)) === "durable") return;
    throw unavailable("The database is a replica, which cannot tell whether the entries are durable: ask the primary.");
  }

  async #confirm(tree: SignedTree): Promise<Durability> {
    if (tree.edge.size <= this.#durableSize) return "durable";
    const before = this.#replacements;
    const { log, store } = this.options.source;
    const { durability, head } = await store.confirm(log);
    // The store confirmed what it holds by now: a failover may have happened since the tree was read.
    if (!(await leadsTo(this.options.source, head, tree.edge)) || before !== this.#replacements)
      throw unavailable("The store's tree changed in the meantime: try again.");
    if (durability === "durable") this.#reach(tree);
    else this.#show(tree);
    return durability;
  }

  #show(tree: SignedTree): void {
    if (tree.edge.size <= (this.#shown?.edge.size ?? -1)) return;
    this.#shown = tree;
    this.options.onShown?.();
  }
}

function unavailable(message: string): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
}

/** A read of one of the log's trees. It runs again where the first time showed damage. */
export interface TreeRead<Tree, Result> {
  /** The tree to read, which the newest one extends. */
  readonly locate: () => Promise<Tree>;
  readonly read: (readers: TreeReaders, tree: Tree) => Promise<Result>;
  /** Whether a result names damage; a read may also reject with LOG_CORRUPT or ENTRY_CORRUPT. */
  readonly isDamaged?: (result: Result) => boolean;
}

export interface TreeReadingOptions {
  readonly source: TreeSource;
  /** Looks where the store is now. */
  readonly look: () => Promise<void>;
  readonly readers: TreeReaders;
  readonly history: History;
  /** Whether reads of the store may be answered by different servers. */
  readonly sharedStore: boolean;
}

/** How often the store may be another server than the one that the tree was read from before a read is refused. */
const MAX_LOOKS = 3;

/**
 * Reads a log's trees. A tree is read from one server, and its entries and tiles from another one after a failover or
 * behind a pooler, which may lag or have another log. So what looks like damage is read again in one snapshot of the
 * store, and is damage only if the log there extends the tree.
 */
export class TreeReading {
  constructor(private readonly options: TreeReadingOptions) {}

  /** Rejects with UNAVAILABLE, besides what the read rejects with, while the store is not where the tree was read. */
  async of<Tree extends { readonly edge: TreeEdge }, Result>(asked: TreeRead<Tree, Result>): Promise<Result> {
    const tree = await asked.locate();
    try {
      const result = await asked.read(this.options.readers, tree);
      if (asked.isDamaged?.(result) !== true || !this.#mayBeElsewhere) return result;
    } catch (error) {
      if (!isDamage(error) || !this.#mayBeElsewhere) throw error;
    }
    return this.#again(asked);
  }

  /** A log that cannot be trusted is damaged already. */
  get #mayBeElsewhere(): boolean {
    return this.options.sharedStore && this.options.history.isTrusted;
  }

  async #again<Tree extends { readonly edge: TreeEdge }, Result>(asked: TreeRead<Tree, Result>): Promise<Result> {
    const { source, look } = this.options;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const tree = await asked.locate();
      const seen = await inSnapshot(source, async (view) => {
        if (!(await leadsTo(view, await view.store.head(view.log), tree.edge))) return undefined;
        return { result: await asked.read(new TreeReaders(view), tree) };
      });
      if (seen !== undefined) return seen.result;
      await look();
    }
    const message = `The store is not where the log ${source.log} was read a moment ago: try again.`;
    throw new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof AuditError && (error.code === "LOG_CORRUPT" || error.code === "ENTRY_CORRUPT");
}

/** How often a store that others write to is polled for growth while someone waits for it. */
const LOOK_MS = 1_000;

/** The minimum time between polls, however many hints arrive. */
const HINTED_LOOK_MS = 20;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Wakes those who wait for a log to grow. One per log, however many wait. */
export class GrowthWatch {
  readonly #waiting = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Whether a hint of growth arrived since the last poll. */
  #isHinted = false;
  #lookedAtMs = -Infinity;

  #look: (() => Promise<void>) | undefined;

  /** Where others write to the log too: `look` asks the store, and calls `grown` if they did. */
  lookBy(look: () => Promise<void>): void {
    this.#look = look;
  }

  /**
   * Resolves when the log has grown after this call, or when the signal aborts. Rejects when growth can no longer be
   * detected.
   */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener("abort", stop);
        this.#leave(waiter);
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const stop = waiter.resolve;
      signal.addEventListener("abort", stop);
      this.#enter(waiter);
    });
  }

  /** Call when the log has grown. */
  grown(): void {
    for (const { resolve } of [...this.#waiting]) resolve();
  }

  /** Call when growth can no longer be detected: everyone who waits gets the error. */
  fail(error: unknown): void {
    for (const { reject } of [...this.#waiting]) reject(error);
  }

  /** Call when others may have written: polls soon, if someone waits. */
  hint(): void {
    this.#isHinted = true;
    this.#schedule();
  }

  #enter(waiter: Waiter): void {
    this.#waiting.add(waiter);
    this.#schedule();
  }

  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size === 0) this.#stop();
  }

  #schedule(): void {
    const look = this.#look;
    if (look === undefined || this.#isLooking || this.#waiting.size === 0) return;
    this.#stop();
    const dueMs = this.#lookedAtMs + (this.#isHinted ? HINTED_LOOK_MS : LOOK_MS);
    this.#timer = setTimeout(() => void this.#lookNow(look), dueMs - performance.now());
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #lookNow(look: () => Promise<void>): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    this.#isHinted = false;
    await look().catch((error: unknown) => {
      this.fail(error);
    });
    this.#isLooking = false;
    this.#lookedAtMs = performance.now();
    this.#schedule();
  }
}
