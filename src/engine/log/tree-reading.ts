import { AuditError } from "../../audit/errors.js";
import type { TreeEdge } from "../../core/tree.js";
import type { History } from "../tree/history.js";
import { inSnapshot, leadsTo, type TreeSource } from "../tree/signed-tree.js";
import { TreeReaders } from "../tree/tree-readers.js";
import type { NewestTree } from "./newest-tree.js";

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
  readonly newest: NewestTree;
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
    const { source, newest } = this.options;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const tree = await asked.locate();
      const seen = await inSnapshot(source, async (view) => {
        if (!(await leadsTo(view, await view.store.head(view.log), tree.edge))) return undefined;
        return { result: await asked.read(new TreeReaders(view), tree) };
      });
      if (seen !== undefined) return seen.result;
      await newest.look();
    }
    const message = `The store is not where the log ${source.log} was read a moment ago: try again.`;
    throw new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof AuditError && (error.code === "LOG_CORRUPT" || error.code === "ENTRY_CORRUPT");
}
