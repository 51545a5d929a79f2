import type { TextCache } from "../../audit/cache.js";
import { RedisConnection, type RedisOptions } from "./connection.js";

export interface RedisTextCacheOptions extends RedisOptions {
  /** Separates deployments that share a server. */
  readonly origin: string;
  /** How long a text is kept after it was last put. Default one day. */
  readonly ttlMs?: number;
}

const LAYOUT = "auditql:1";
const DAY_MS = 86_400_000;

/**
 * Remembers texts in Redis, for all gateways. While the server is unreachable, every read is a miss that costs nothing.
 */
export class RedisTextCache implements TextCache {
  readonly #redis: RedisConnection;
  readonly #prefix: string;
  readonly #ttlMs: number;

  /** Starts to connect; until that is done, reads are misses. */
  constructor(options: RedisTextCacheOptions) {
    this.#redis = new RedisConnection(options);
    this.#prefix = `${LAYOUT}:${options.origin}:text:`;
    this.#ttlMs = options.ttlMs ?? DAY_MS;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#redis.run((client) => client.get(this.#prefix + key))) ?? undefined;
  }

  async put(key: string, text: string): Promise<void> {
    await this.#redis.run((client) => client.set(this.#prefix + key, text, "PX", this.#ttlMs));
  }

  close(): Promise<void> {
    return this.#redis.close();
  }
}
