/** A root as a cache carries it. Nothing of it is believed before its checkpoint verifies under the log's key. */
export interface CachedRoot {
  readonly log: string;
  readonly treeSize: number;
  /** The signed C2SP checkpoint; size and root hash are inside. */
  readonly checkpoint: string;
  readonly publishedAt: string;
  /** Authenticates publishedAt, which the checkpoint does not cover: made and checked by cached-roots.ts. */
  readonly seal: string;
}

/**
 * Port: remembers roots for all gateways. Trusted for nothing: an engine that is slow, down or lying costs a miss,
 * never an error, so no method rejects, and every read is bounded in time by the engine.
 */
export interface RootCache {
  /** False while it knows nothing because its engine is away. */
  readonly isAnswering: boolean;
  /** A root of a fixed size never changes: kept without expiry. */
  get(log: string, treeSize: number): Promise<CachedRoot | undefined>;
  /** Keeps a root, unless there is one of its log and size already: that one stays, and is answered. */
  put(root: CachedRoot): Promise<CachedRoot | undefined>;
  /** The newest root some gateway committed; lives seconds. */
  newest(log: string): Promise<CachedRoot | undefined>;
  /** Answered by `newest` for seconds, and by `remembered` until another takes its place; answers the one whose place it took. */
  putNewest(root: CachedRoot): Promise<CachedRoot | undefined>;
  /** The last root that was put as the newest: what a log must not have fallen behind. */
  remembered(log: string): Promise<CachedRoot | undefined>;
  /**
   * Tells the listener the size of each newest root that is put from now on, by whichever gateway, soon after. A hint: some
   * are missed, and what is said need not be true.
   */
  onNewest(log: string, listener: (treeSize: number) => void): void;
  close(): Promise<void>;
}

/** Port: remembers texts by key for a while. What is lost, late or unreachable is a miss, never an error. */
export interface TextCache {
  get(key: string): Promise<string | undefined>;
  put(key: string, text: string): Promise<void>;
  close(): Promise<void>;
}
