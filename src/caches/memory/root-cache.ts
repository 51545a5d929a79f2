import { EventEmitter } from "node:events";
import { LRUCache } from "lru-cache";
import type { CachedRoot, RootCache } from "../../audit/cache.js";

export interface MemoryRootCacheOptions {
  /**
   * The maximum number of roots; the least recently used are dropped first. A root takes about 400 bytes. Default
   * 10,000.
   */
  readonly maxRoots?: number;
  /** How long a newest root counts as the newest. Default 3,000. */
  readonly newestTtlMs?: number;
}

/** Remembers roots in this process, for a single gateway. */
export class MemoryRootCache implements RootCache {
  readonly isAnswering = true;
  readonly isRemembering = true;
  readonly #roots: LRUCache<string, CachedRoot>;
  readonly #newest: LRUCache<string, CachedRoot>;
  readonly #remembered: LRUCache<string, CachedRoot>;
  readonly #told = new EventEmitter().setMaxListeners(0);

  constructor({ maxRoots = 10_000, newestTtlMs = 3_000 }: MemoryRootCacheOptions = {}) {
    this.#roots = new LRUCache({ max: maxRoots });
    this.#newest = new LRUCache({ max: maxRoots, ttl: newestTtlMs });
    this.#remembered = new LRUCache({ max: maxRoots });
  }

  get(log: string, treeSize: number): Promise<CachedRoot | undefined> {
    return Promise.resolve(this.#roots.get(rootKey(log, treeSize)));
  }

  put(root: CachedRoot): Promise<CachedRoot | undefined> {
    const key = rootKey(root.log, root.treeSize);
    const existing = this.#roots.get(key);
    if (existing === undefined) this.#roots.set(key, root);
    return Promise.resolve(existing);
  }

  newest(log: string): Promise<CachedRoot | undefined> {
    return Promise.resolve(this.#newest.get(log));
  }

  putNewest(root: CachedRoot): Promise<CachedRoot | undefined> {
    const replaced = this.#remembered.get(root.log);
    this.#newest.set(root.log, root);
    this.#remembered.set(root.log, root);
    this.#told.emit(eventOf(root.log), root.treeSize);
    return Promise.resolve(replaced);
  }

  remembered(log: string): Promise<CachedRoot | undefined> {
    return Promise.resolve(this.#remembered.get(log));
  }

  onNewest(log: string, listener: (treeSize: number) => void): () => void {
    const told = (treeSize: number): void => {
      listener(treeSize); // its own: the same function may listen twice
    };
    this.#told.on(eventOf(log), told);
    return () => void this.#told.off(eventOf(log), told);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** An event of the name `error` would be thrown where nobody listens, and a log may have that name. */
function eventOf(log: string): string {
  return `newest of ${log}`;
}

function rootKey(log: string, treeSize: number): string {
  return `${log}/${treeSize}`;
}
