import { Redis } from "ioredis";
import { Circuit } from "./circuit.js";

export interface RedisOptions {
  /** `redis://` or `rediss://`; may contain a password. */
  readonly url: string;
  /** The maximum time that a call waits. Default 75. */
  readonly commandTimeoutMs?: number;
  /** Called when the server becomes unusable, and when it is usable again. */
  readonly onChange?: (message: string) => void;
}

const MAX_FAILURES = 3;
const PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 100;
const MAX_RECONNECT_DELAY_MS = 5_000;

/** A connection to an optional server: while it is unreachable, every call is a miss that costs nothing. */
export class RedisConnection {
  readonly #client: Redis;
  readonly #attempt: Promise<void>;
  readonly #circuit: Circuit;
  readonly #announce: (message: string) => void;
  #isInTrouble = false;

  /** Starts to connect; until that is done, calls are misses. */
  constructor(options: RedisOptions) {
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
  }

  get isAnswering(): boolean {
    return this.#client.status === "ready" && !this.#isInTrouble;
  }

  /** Resolves when the first attempt to connect has ended, successful or not: within 2 s. */
  async attempted(): Promise<void> {
    await this.#attempt;
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }

  /** Returns undefined at once while there is no connection. */
  async run<T>(task: (client: Redis) => Promise<T>): Promise<T | undefined> {
    if (this.#client.status !== "ready") return undefined;
    return this.#circuit.run(() => task(this.#client));
  }

  /** A connection that brings no replies may be dead without having been closed, so it is replaced. */
  #troubled(): void {
    this.#client.disconnect(true);
    if (!this.#isInTrouble) this.#announce("Redis does not answer: roots are not shared");
    this.#isInTrouble = true;
  }

  #recovered(): void {
    this.#isInTrouble = false;
    this.#announce("Redis answers again");
  }
}

/** Connects when told to. A call fails while there is no connection, and when it takes too long. */
export function newClient({ url, commandTimeoutMs = 75 }: RedisOptions): Redis {
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
  // failures of a cache are not errors
}
