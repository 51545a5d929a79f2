import type { Redis } from "ioredis";
import { isTreeSize } from "../../core/tree.js";
import { newClient, type RedisOptions } from "./connection.js";

/** Sizes that gateways publish to each other, by channel. Messages are lost while there is no connection. */
export class NewestChannel {
  readonly #listeners = new Map<string, ((treeSize: number) => void)[]>();
  #client: Redis | undefined;

  constructor(private readonly options: RedisOptions) {}

  /** Connects for the first listener. */
  listen(channel: string, listener: (treeSize: number) => void): void {
    this.#listeners.set(channel, [...(this.#listeners.get(channel) ?? []), listener]);
    this.#client ??= this.#connected();
    if (this.#client.status === "ready") this.#subscribe(this.#client);
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
    client.subscribe(...this.#listeners.keys()).catch(ignore);
  }

  #tell(channel: string, treeSize: number): void {
    if (!isTreeSize(treeSize)) return;
    for (const listener of this.#listeners.get(channel) ?? []) listener(treeSize);
  }
}

function ignore(): void {
  // listeners do without
}
