import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { isTreeSize } from "../../core/tree.js";
import { newClient, type RedisOptions } from "./connection.js";

/** Sizes that gateways publish to each other, by channel. Messages are lost while there is no connection. */
export class NewestChannel {
  readonly #told = new EventEmitter().setMaxListeners(0);
  #client: Redis | undefined;

  constructor(private readonly options: RedisOptions) {}

  /** Connects for the first listener, and stays connected. Returns what ends it. */
  listen(channel: string, listener: (treeSize: number) => void): () => void {
    const told = (treeSize: number): void => {
      listener(treeSize); // its own: the same function may listen twice
    };
    this.#told.on(channel, told);
    this.#client ??= this.#connected();
    if (this.#client.status === "ready") this.#subscribe(this.#client);
    return () => void this.#told.off(channel, told);
  }

  close(): void {
    this.#client?.disconnect();
  }

  #connected(): Redis {
    const client = newClient(this.options);
    client.on("ready", () => {
      this.#subscribe(client);
    });
    client.on("message", (channel: string, message: string) => {
      this.#tell(channel, Number(message));
    });
    client.connect().catch(ignore); // as with every later attempt: it is tried again
    return client;
  }

  /** A server that refuses the subscription is not asked again before the next connection. */
  #subscribe(client: Redis): void {
    const channels = this.#told.eventNames().map(String);
    if (channels.length > 0) client.subscribe(...channels).catch(ignore);
  }

  #tell(channel: string, treeSize: number): void {
    if (isTreeSize(treeSize)) this.#told.emit(channel, treeSize);
  }
}

function ignore(): void {
  // listeners do without
}
