import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { CachedRoot, RootCache } from "../../audit/cache.js";
import { AuditError } from "../../audit/errors.js";
import type { Root } from "../../audit/service.js";
import { digestBytes, digestOf } from "../../core/bytes.js";
import type { SignedRoot } from "./history-guard.js";
import type { Prover } from "./prover.js";
import { rootConflict } from "./root-conflict.js";
import type { SignedTree, TreeSource } from "./signed-tree.js";

export interface CachedRootsOptions {
  readonly source: Pick<TreeSource, "log" | "key">;
  readonly cache: RootCache;
  readonly prover: () => Prover;
  /** Authenticates what the checkpoint does not cover. */
  readonly secret: Uint8Array;
  /** receivedAt of the entry at a leaf index of the tree; rejects when it cannot be told. */
  readonly receivedAt: (leafIndex: number) => Promise<string>;
  /** Told of a signed root that contradicts the log: the log must not grow any more. */
  readonly onConflict: (error: AuditError, rival: SignedRoot) => void;
  /** Looks whether the store leads to the root that gateways remember, which was read before. Rejects when it does not answer. */
  readonly requireHistory: (remembered: SignedRoot) => Promise<void>;
  /** Whether the newest tree leads to all that was signed: a root is not published over one that it contradicts, or is behind. */
  readonly isClear: () => boolean;
}

const MAX_KEPT_ROOTS = 10_000;

/**
 * The roots of one log. Those of this process are kept in memory; behind them stands a cache that gateways share and
 * nobody trusts: what it says is checked against the log's key, then against the log itself. Wrong is a miss; but a root
 * that our own key has signed, and that is not the log's, means that the log has two histories: ROOT_CONFLICT.
 */
export class CachedRoots {
  #roots = new LRUCache<number, Root>({ max: MAX_KEPT_ROOTS });
  #publishing = false;
  #unpublished: Root | undefined;
  #isCompared = false;
  #comparison: Promise<void> | undefined;

  constructor(private readonly options: CachedRootsOptions) {}

  /** The root of a tree of this process. Throws ENTRY_CORRUPT when its last entry, whose time is the root's, was changed. */
  of(tree: SignedTree): Root {
    const known = this.#roots.get(tree.edge.size);
    if (known !== undefined) return known;
    if (tree.isLastChanged === true) {
      const message = `Entry ${tree.edge.size - 1} of the log ${this.options.source.log}, whose time is needed, was changed.`;
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

  /** The root of a size from 0 to the tree's. Rejects LOG_CORRUPT, or ROOT_CONFLICT when a signed root says otherwise. */
  async at(tree: SignedTree, treeSize: number): Promise<Root> {
    if (treeSize === tree.edge.size) return this.of(tree);
    const roots = this.#roots;
    const known = roots.get(treeSize);
    if (known !== undefined) return known;
    const { cache, source, prover } = this.options;
    const [rootHash, cached] = await Promise.all([prover().rootHash(tree, treeSize), cache.get(source.log, treeSize)]);
    const root = this.#confirmed(cached, treeSize, rootHash) ?? (await this.#make(treeSize, rootHash));
    roots.set(treeSize, root);
    return root;
  }

  /** Keeps no root of the trees so far: the next need not extend them. */
  forget(): void {
    this.#roots = new LRUCache({ max: MAX_KEPT_ROOTS });
  }

  /** The newest root that some gateway published, if the cache can say. */
  async published(tree: SignedTree): Promise<SignedRoot | undefined> {
    const cached = await this.options.cache.newest(this.options.source.log);
    const root = cached && this.#opened(cached);
    if (root?.treeSize === tree.edge.size) this.#requireSame(root, digestOf(tree.rootHash));
    return root && signedRoot(root);
  }

  /** Tells the other gateways of a new tree. Nobody waits for it; of trees in quick succession, the newest counts. */
  publish(tree: SignedTree): void {
    if (tree.isLastChanged === true) return; // the next batch's root has a time
    this.#unpublished = this.of(tree);
    if (!this.#publishing) void this.#publishAll();
  }

  async #publishAll(): Promise<void> {
    this.#publishing = true;
    for (let root = this.#unpublished; root !== undefined; root = this.#unpublished) {
      this.#unpublished = undefined;
      await this.compare().catch(ignore); // the next append asks again
      // Not over a root that the log does not lead to: it may be all that is left to tell.
      if (this.options.isClear()) await this.#putNewest(this.#sealed(root));
    }
    this.#publishing = false;
  }

  /**
   * Compares the log's history with the root that the cache remembers, until that was done once: it may have been away when
   * the log was opened. Rejects when the store does not answer.
   */
  async compare(): Promise<void> {
    if (this.#isCompared) return;
    this.#comparison ??= this.#compareOnce().finally(() => {
      this.#comparison = undefined;
    });
    await this.#comparison;
  }

  async #compareOnce(): Promise<void> {
    const { cache, source, requireHistory } = this.options;
    const remembered = await cache.remembered(source.log);
    if (remembered === undefined) return;
    const root = this.#opened(remembered);
    if (root !== undefined && root.treeSize === remembered.treeSize && root.treeSize > 0) {
      await requireHistory(signedRoot(root));
    }
    this.#isCompared = true;
  }

  /** A gateway that was slow to tell may take the place of a newer root, which is then put back; sizes grow, so this ends. */
  async #putNewest(root: CachedRoot): Promise<void> {
    const replaced = await this.options.cache.putNewest(root);
    const size = (replaced && this.#opened(replaced))?.treeSize ?? 0;
    if (replaced !== undefined && size > root.treeSize) await this.#putNewest({ ...replaced, treeSize: size });
  }

  async #make(treeSize: number, rootHash: Uint8Array): Promise<Root> {
    const { source, cache, receivedAt } = this.options;
    // When an empty log was made is not kept once it has entries: its first entry came soon enough after.
    const publishedAt = await receivedAt(Math.max(treeSize - 1, 0));
    const checkpoint = source.key.sign(treeSize, rootHash);
    const root = { log: source.log, treeSize, hash: digestOf(rootHash), checkpoint, publishedAt };
    this.#confirmed(await cache.put(this.#sealed(root)), treeSize, rootHash);
    return root;
  }

  /** What a cache said, if it is the root; undefined is a miss. Throws ROOT_CONFLICT on a signed root of another hash. */
  #confirmed(cached: CachedRoot | undefined, treeSize: number, rootHash: Uint8Array): Root | undefined {
    const root = cached && this.#opened(cached);
    if (root?.treeSize !== treeSize) return undefined;
    this.#requireSame(root, digestOf(rootHash));
    return cached?.seal === this.#seal(root) ? root : undefined;
  }

  #requireSame(root: Root, hash: Root["hash"]): void {
    if (root.hash === hash) return;
    const { log, treeSize } = root;
    const error = rootConflict(`The log ${log} has two signed roots of size ${treeSize}: ${hash} and ${root.hash}.`);
    this.options.onConflict(error, signedRoot(root));
    throw error;
  }

  /** What a cached checkpoint says, if the log's key signed it. */
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
  // Nobody waits for a root to be published.
}
