/** A root as a cache holds it. Nothing in it is trusted before its checkpoint verifies under the log's key. */
export interface CachedRoot {
  readonly log: string;
  readonly treeSize: number;
  /** The signed C2SP checkpoint, which contains size and root hash. */
  readonly checkpoint: string;
  readonly publishedAt: string;
  /** Authenticates publishedAt, which the checkpoint does not cover: made and checked by cached-roots.ts. */
  readonly seal: string;
}

/**
 * Port: remembers roots for all gateways. It is not trusted: an engine that is slow, down or lying costs a miss, never
 * an error. No method rejects, and the engine bounds the time of every read.
 */
export interface RootCache {
  /** False while its engine is unreachable, so that it knows nothing. */
  readonly isAnswering: boolean;
  /**
   * False from a newest root of a log that the engine did not keep until it keeps one of that log: `remembered` may
   * return an older one.
   */
  readonly isRemembering: boolean;
  /** A root of a fixed size never changes, so it is kept for weeks. */
  get(log: string, treeSize: number): Promise<CachedRoot | undefined>;
  /** Keeps a root, unless one of its log and size is there already; returns the one that was there. */
  put(root: CachedRoot): Promise<CachedRoot | undefined>;
  /** The newest root that a gateway committed; expires after seconds. */
  newest(log: string): Promise<CachedRoot | undefined>;
  /**
   * Makes a root the one that `newest` returns for seconds, and `remembered` until it is replaced. Returns the root
   * that it replaced.
   */
  putNewest(root: CachedRoot): Promise<CachedRoot | undefined>;
  /** The root that was last put as the newest: a log must not be shorter than this. */
  remembered(log: string): Promise<CachedRoot | undefined>;
  /**
   * Calls the listener with the size of each newest root that any gateway puts from now on. A hint only: some are
   * missed, and sizes may be wrong. Returns what ends it.
   */
  onNewest(log: string, listener: (treeSize: number) => void): () => void;
  close(): Promise<void>;
}
