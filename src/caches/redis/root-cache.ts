import { Redis } from "ioredis";
import type { CachedRoot, RootCache } from "../../audit/cache.js";
import { Circuit } from "./circuit.js";
import { parseRootText, rootText } from "./root-text.js";

export interface RedisRootCacheOptions {
  /** `redis://` or `rediss://`, may carry a password. */
  readonly url: string;
  /** The checkpoints' origin: keeps deployments that share a server apart. */
  readonly origin: string;
  /** The longest that a call waits. Default 75. */
  readonly commandTimeoutMs?: number;
  /** How long a newest root is believed to be the newest. Default 3,000. */
  readonly newestTtlMs?: number;
  /** Told when the server stops being of use, and when it is again. */
  readonly onChange?: (message: string) => void;
}

/** Part of every key: a new layout of the values gets a new number, and never meets the old ones. */
const LAYOUT = "auditql:1";
const MAX_FAILURES = 3;
const PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 100;
const MAX_RECONNECT_DELAY_MS = 5_000;

/** Remembers roots in Redis, for all gateways. While the server is away, every read is a miss that costs nothing. */
export class RedisRootCache implements RootCache {
  readonly #client: Redis;
  readonly #attempt: Promise<void>;
  readonly #circuit: Circuit;
  readonly #prefix: string;
  readonly #newestTtlMs: number;
  readonly #announce: (message: string) => void;
  #isInTrouble = false;

  /** Starts to connect, and answers misses until that is done. */
  constructor(options: RedisRootCacheOptions) {
    this.#client = newClient(options);
    this.#attempt = this.#client.connect().catch(ignore); // a failed first attempt is tried again like any other
    this.#circuit = new Circuit({
      maxFailures: MAX_FAILURES,
      pauseMs: PAUSE_MS,
      onOpen: () => {
        this.#troubled();
      },
      onClosed: () => {
        this.#recovered();
      },
    });
    this.#announce = options.onChange ?? ignore;
    this.#prefix = `${LAYOUT}:${options.origin}`;
    this.#newestTtlMs = options.newestTtlMs ?? 3_000;
  }

  get isAnswering(): boolean {
    return this.#client.status === "ready" && !this.#isInTrouble;
  }

  async get(log: string, treeSize: number): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#run((client) => client.get(this.#rootKey(log, treeSize))));
  }

  /** Both commands leave in one go, so the read sees what was there before the write. */
  async put(root: CachedRoot): Promise<CachedRoot | undefined> {
    const key = this.#rootKey(root.log, root.treeSize);
    const replies = await this.#run((client) => Promise.all([client.get(key), client.set(key, rootText(root), "NX")]));
    return parseRootText(replies?.[0]);
  }

  async newest(log: string): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#run((client) => client.get(this.#newestKey(log))));
  }

  async putNewest(root: CachedRoot): Promise<void> {
    const text = rootText(root);
    await this.#run((client) =>
      Promise.all([
        client.set(this.#newestKey(root.log), text, "PX", this.#newestTtlMs),
        client.set(this.#rememberedKey(root.log), text),
      ]),
    );
  }

  async remembered(log: string): Promise<CachedRoot | undefined> {
    return parseRootText(await this.#run((client) => client.get(this.#rememberedKey(log))));
  }

  /** Resolves when the first attempt to connect is over, whatever came of it: within 2 s. */
  async attempted(): Promise<void> {
    await this.#attempt;
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }

  /** Undefined, at once, while there is no connection. */
  async #run<T>(task: (client: Redis) => Promise<T>): Promise<T | undefined> {
    if (this.#client.status !== "ready") return undefined;
    return this.#circuit.run(() => task(this.#client));
  }

  /** A connection that brings no answers may be dead without having been closed: it is made anew. */
  #troubled(): void {
    this.#client.disconnect(true);
    if (!this.#isInTrouble) this.#announce("Redis does not answer: roots are not shared");
    this.#isInTrouble = true;
  }

  #recovered(): void {
    this.#isInTrouble = false;
    this.#announce("Redis answers again");
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

function newClient({ url, commandTimeoutMs = 75 }: RedisRootCacheOptions): Redis {
  const client = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS),
  });
  client.on("error", ignore); // each call sees its own failure; without a listener the process would end
  return client;
}

function ignore(): void {
  // a cache's trouble is nobody's error
}
