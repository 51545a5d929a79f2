import { AuditError } from "../../audit/errors.js";
import type { Durability } from "../../audit/store.js";
import { leadsTo, type SignedTree, type TreeSource } from "../tree/signed-tree.js";

/** Called once with each tree. */
type OnTree = (tree: SignedTree) => void;

export interface DurableTreeOptions {
  readonly source: TreeSource;
  /** Called with each newer tree that may be shown: a durable one, or what a replica shows. */
  readonly onShown?: OnTree | undefined;
  /** Called with each newer tree that is durable. */
  readonly onDurable?: OnTree | undefined;
}

/**
 * Tracks how far a log is known to be durable, apart from what its store shows. After a crash, or when the wait for a
 * synchronous replica was cut short, a store shows transactions that a failover loses. A signed root of such a tree
 * would contradict the log for ever, and an acknowledgement would be false. So neither is given out before an append of
 * this process returned `appended` or the store confirmed what was read; both cover everything before.
 */
export class DurableTree {
  #shown: SignedTree | undefined;
  /** An empty log has nothing to lose. */
  #durableSize = 0;
  /** Incremented by each `replaced`. */
  #replacements = 0;

  constructor(private readonly options: DurableTreeOptions) {}

  /** The newest tree that may be shown; undefined until the first. */
  get shown(): SignedTree | undefined {
    return this.#shown;
  }

  /** An append reported that everything up to a tree is durable. */
  reached(tree: SignedTree): void {
    if (tree.edge.size <= this.#durableSize) return;
    this.#durableSize = tree.edge.size;
    this.#show(tree);
    this.options.onDurable?.(tree);
  }

  /**
   * The store holds another tree than the last, possibly a shorter one: what was known of the last does not apply to
   * it.
   */
  replaced(): void {
    this.#shown = undefined;
    this.#durableSize = 0;
    this.#replacements += 1;
  }

  /**
   * Resolves when a tree that was read from the store may be shown. Rejects with UNAVAILABLE when it cannot be
   * confirmed now.
   */
  async confirmed(tree: SignedTree): Promise<SignedTree> {
    await this.#confirm(tree);
    return tree;
  }

  /**
   * Resolves when the first `size` entries of a tree that was read from the store are durable, so that they may be
   * acknowledged. Rejects with UNAVAILABLE when that cannot be confirmed now.
   */
  async require(tree: SignedTree, size: number): Promise<void> {
    if (size <= this.#durableSize || (await this.#confirm(tree)) === "durable") return;
    throw unavailable("The database is a replica, which cannot tell whether the entries are durable: ask the primary.");
  }

  async #confirm(tree: SignedTree): Promise<Durability> {
    if (tree.edge.size <= this.#durableSize) {
      this.#show(tree);
      return "durable";
    }
    const before = this.#replacements;
    const { log, store } = this.options.source;
    const { durability, head } = await store.confirm(log);
    // The store confirmed what it holds by now: a failover may have happened since the tree was read.
    if (!(await leadsTo(this.options.source, head, tree.edge)) || before !== this.#replacements)
      throw unavailable("The store's tree changed in the meantime: try again.");
    if (durability === "durable") this.reached(tree);
    else this.#show(tree);
    return durability;
  }

  #show(tree: SignedTree): void {
    if (tree.edge.size <= (this.#shown?.edge.size ?? -1)) return;
    this.#shown = tree;
    this.options.onShown?.(tree);
  }
}

function unavailable(message: string): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
}
