import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { CachedRoot, RootCache } from "../../audit/cache.js";
import { AuditError } from "../../audit/errors.js";
import type { Root } from "../../audit/service.js";
import { digestBytes, digestOf } from "../../core/bytes.js";
import type { History, SignedRoot } from "./history.js";
import type { SignedTree, TreeSource } from "./signed-tree.js";
import type { TreeReaders } from "./prover.js";

export interface CachedRootsOptions {
  readonly source: Pick<TreeSource, "log" | "key">;
  readonly cache: RootCache;
  /** Receives signed roots that the log may not lead to: then it must not grow any more. */
  readonly history: History;
  /** Authenticates what the checkpoint does not cover. */
  readonly secret: Uint8Array;
}

const MAX_KEPT_ROOTS = 10_000;

/**
 * The roots of one log. Those of this process are kept in memory; behind them is a cache that gateways share and that
 * is not trusted: what it returns is checked against the log's key, then against the log itself. A wrong value is a
 * miss, but a root that our own key signed and that is not the log's means that the log has two histories:
 * ROOT_CONFLICT.
 */
export class CachedRoots {
  #roots = new LRUCache<number, Root>({ max: MAX_KEPT_ROOTS });
  #publishing = false;
  #unpublished: { readonly tree: SignedTree; readonly root: Root } | undefined;
  #isCompared = false;
  #comparison: Promise<void> | undefined;

  constructor(private readonly options: CachedRootsOptions) {}

  /**
   * The root of a tree of this process. Throws ENTRY_CORRUPT when its last entry, which has the root's time, was
   * changed.
   */
  of(tree: SignedTree): Root {
    if (tree.isLastChanged === true) {
      const message = `Entry ${tree.edge.size - 1} of the log ${this.options.source.log}, whose time is needed here, was changed.`;
      throw new AuditError("ENTRY_CORRUPT", message);
    }
    const root: Root = {
      log: this.options.source.log,
      treeSize: tree.edge.size,
      hash: digestOf(tree.rootHash),
      checkpoint: tree.checkpoint,
      publishedAt: tree.lastReceivedAt,
    };
    this.#roots.set(root.treeSize, root);
    return root;
  }

  /**
   * The root at a size from 0 to the tree's, read with `readers`. Rejects with LOG_CORRUPT, or ROOT_CONFLICT when a
   * signed root contradicts it.
   */
  async at(tree: SignedTree, treeSize: number, readers: TreeReaders): Promise<Root> {
    if (treeSize === tree.edge.size) return this.of(tree);
    const roots = this.#roots;
    const known = roots.get(treeSize);
    if (known !== undefined) return known;
    const { cache, source } = this.options;
    const proof = readers.prover.rootHash(tree, treeSize);
    const [rootHash, cached] = await Promise.all([proof, cache.get(source.log, treeSize)]);
    const proven = { treeSize, rootHash };
    const root = this.#confirmed(cached, proven) ?? (await this.#make(tree, proven, readers));
    roots.set(treeSize, root);
    return root;
  }

  /** Drops the roots of all trees so far: the next tree may not extend them. */
  forget(): void {
    this.#roots = new LRUCache({ max: MAX_KEPT_ROOTS });
  }

  /** The newest root that a gateway published, if the cache knows it. */
  async published(): Promise<SignedRoot | undefined> {
    const cached = await this.options.cache.newest(this.options.source.log);
    const root = cached && this.#opened(cached);
    return root && signedRoot(root);
  }

  /**
   * Publishes a new tree to the other gateways in the background; of trees in quick succession only the newest counts.
   */
  publish(tree: SignedTree): void {
    if (tree.isLastChanged === true) return; // the next batch's root has a time
    this.#unpublished = { tree, root: this.of(tree) };
    if (!this.#publishing) void this.#publishAll();
  }

  /** Publishes the newest tree once more if the cache did not keep it: nothing else would before the log grows. */
  remind(tree: SignedTree): void {
    if (!this.options.cache.isRemembering) this.publish(tree);
  }

  async #publishAll(): Promise<void> {
    this.#publishing = true;
    for (let next = this.#unpublished; next !== undefined; next = this.#unpublished) {
      this.#unpublished = undefined;
      await this.compare(next.tree).catch(ignore); // the next append asks again
      // Not over a root that the log does not lead to: it may be all that is left to tell.
      if (this.options.history.isClear) await this.#putNewest(this.#sealed(next.root));
    }
    this.#publishing = false;
  }

  /**
   * Compares the log's history with the root that the cache remembers, until that was done once: it may have been away when
   * the log was opened. `tree` is the newest that was seen, if any was. Rejects when the store does not answer.
   */
  async compare(tree: SignedTree | undefined): Promise<void> {
    if (this.#isCompared) return;
    this.#comparison ??= this.#compareOnce(tree).finally(() => {
      this.#comparison = undefined;
    });
    await this.#comparison;
  }

  async #compareOnce(tree: SignedTree | undefined): Promise<void> {
    const { cache, source, history } = this.options;
    const remembered = await cache.remembered(source.log);
    if (remembered === undefined) return;
    const root = this.#opened(remembered);
    if (root !== undefined && root.treeSize === remembered.treeSize && root.treeSize > 0) {
      await history.follow(signedRoot(root), tree);
    }
    this.#isCompared = true;
  }

  /** A slow gateway may replace a newer root, which is then put back; sizes grow, so this ends. */
  async #putNewest(root: CachedRoot): Promise<void> {
    const replaced = await this.options.cache.putNewest(root);
    if (replaced === undefined || replaced.treeSize <= root.treeSize) return;
    const size = this.#opened(replaced)?.treeSize ?? 0;
    if (size > root.treeSize) await this.#putNewest({ ...replaced, treeSize: size });
  }

  async #make({ edge }: SignedTree, proven: SignedRoot, readers: TreeReaders): Promise<Root> {
    const { source, cache } = this.options;
    const { treeSize, rootHash } = proven;
    // When an empty log was made is not kept once it has entries: its first entry came soon enough after.
    const [publishedAt = ""] = await readers.receivedAt([Math.max(treeSize - 1, 0)], edge);
    const checkpoint = source.key.sign(treeSize, rootHash);
    const root = { log: source.log, treeSize, hash: digestOf(rootHash), checkpoint, publishedAt };
    this.#confirmed(await cache.put(this.#sealed(root)), proven);
    return root;
  }

  /**
   * The root that a cache returned, if it is the log's; undefined is a miss. Throws ROOT_CONFLICT on a signed root of
   * another hash.
   */
  #confirmed(cached: CachedRoot | undefined, { treeSize, rootHash }: SignedRoot): Root | undefined {
    const root = cached && this.#opened(cached);
    if (root?.treeSize !== treeSize) return undefined;
    this.options.history.requireSame(signedRoot(root), rootHash);
    return cached?.seal === this.#seal(root) ? root : undefined;
  }

  /** The root in a cached checkpoint, if the log's key signed it. */
  #opened({ checkpoint, publishedAt }: CachedRoot): Root | undefined {
    const opened = this.options.source.key.open(checkpoint);
    if (opened.kind === "rejected") return undefined;
    return {
      log: this.options.source.log,
      treeSize: opened.treeSize,
      hash: digestOf(opened.rootHash),
      checkpoint,
      publishedAt,
    };
  }

  #sealed(root: Root): CachedRoot {
    const { log, treeSize, checkpoint, publishedAt } = root;
    return { log, treeSize, checkpoint, publishedAt, seal: this.#seal(root) };
  }

  #seal({ checkpoint, publishedAt }: Root): string {
    return createHmac("sha256", this.options.secret).update(`root\n${publishedAt}\n${checkpoint}`).digest("base64url");
  }
}

function signedRoot({ treeSize, hash }: Root): SignedRoot {
  return { treeSize, rootHash: digestBytes(hash) };
}

function ignore(): void {
  // Publishing runs in the background.
}
