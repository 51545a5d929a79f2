import type { CachedRoot, RootCache } from "../../audit/cache.js";
import { NewestChannel } from "./newest-channel.js";
import { RedisConnection, type RedisOptions } from "./connection.js";
import { parseRootText, rootText } from "./root-text.js";

export interface RedisRootCacheOptions extends RedisOptions {
  /** The checkpoints' origin: separates deployments that share a server. */
  readonly origin: string;
  /** How long a newest root counts as the newest. Default 3,000. */
  readonly newestTtlMs?: number;
}

/** Part of every key: a new layout of the values gets a new number, so it never reads old ones. */
const LAYOUT = "auditql:1";

/**
 * How long a root of one size is kept after it was put. What expires may be evicted where memory is short
 * (`volatile-ttl`): readers choose these sizes, and must not be able to push out what is remembered.
 */
const ROOT_TTL_MS = 30 * 86_400_000;

/**
 * Remembers roots in Redis, for all gateways. While the server is unreachable, every read is a miss that costs nothing.
 */
export class RedisRootCache implements RootCache {
  readonly #redis: RedisConnection;
  readonly #channel: NewestChannel;
  readonly #prefix: string;
  readonly #newestTtlMs: number;
  /** The logs whose newest root the server did not accept. */
  readonly #missed = new Set<string>();

  /** Starts to connect; until that is done, reads are misses. */
  constructor(options: RedisRootCacheOptions) {
    this.#redis = new RedisConnection(options);
    this.#channel = new NewestChannel(options);
    this.#prefix = `${LAYOUT}:${options.origin}`;
    this.#newestTtlMs = options.newestTtlMs ?? 3_000;
  }

  get isAnswering(): boolean {
    return this.#redis.isAnswering;
  }

  get isRemembering(): boolean {
    return this.#missed.size === 0;
  }

  async get(log: string, treeSize: number): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#redis.run((client) => client.get(this.#rootKey(log, treeSize))));
  }

  /** Both commands are sent together, so the read sees what was there before the write. */
  async put(root: CachedRoot): Promise<CachedRoot | undefined> {
    const key = this.#rootKey(root.log, root.treeSize);
    const replies = await this.#redis.run((client) =>
      Promise.all([client.get(key), client.set(key, rootText(root), "PX", ROOT_TTL_MS, "NX")]),
    );
    return parseRootText(replies?.[0]);
  }

  async newest(log: string): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#redis.run((client) => client.get(this.#newestKey(log))));
  }

  /** Like `put`: the read sees what was there before. A server that is full, or may only be read, takes nothing. */
  async putNewest(root: CachedRoot): Promise<CachedRoot | undefined> {
    const text = rootText(root);
    const replies = await this.#redis.run((client) =>
      Promise.all([
        client.get(this.#rememberedKey(root.log)),
        client.set(this.#newestKey(root.log), text, "PX", this.#newestTtlMs),
        client.set(this.#rememberedKey(root.log), text),
        client.publish(this.#newestKey(root.log), String(root.treeSize)),
      ]),
    );
    if (replies === undefined) this.#missed.add(root.log);
    else this.#missed.delete(root.log);
    return parseRootText(replies?.[0]);
  }

  async remembered(log: string): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#redis.run((client) => client.get(this.#rememberedKey(log))));
  }

  /** Uses its own connection, made for the first listener; roots put while there is none are missed. */
  onNewest(log: string, listener: (treeSize: number) => void): () => void {
    return this.#channel.listen(this.#newestKey(log), listener);
  }

  /** Resolves when the first attempt to connect has ended, successful or not: within 2 s. */
  async attempted(): Promise<void> {
    await this.#redis.attempted();
  }

  close(): Promise<void> {
    this.#channel.close();
    return this.#redis.close();
  }

  #rootKey(log: string, treeSize: number): string {
    return `${this.#prefix}/${log}:root:${treeSize}`;
  }

  #newestKey(log: string): string {
    return `${this.#prefix}/${log}:newest`;
  }

  #rememberedKey(log: string): string {
    return `${this.#prefix}/${log}:remembered`;
  }
}
