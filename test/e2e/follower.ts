import { setTimeout as sleep } from "node:timers/promises";
import { TRANSPORTS, type Event, type Transport } from "../http/tail-clients.js";
import type { StoredEntry } from "./log-reader.js";

const QUERY = /* GraphQL */ `
  subscription Tail($from: AuditLeafIndex) {
    entryLogged(fromLeafIndex: $from) {
      leafIndex
      hash
      canonical
    }
  }
`;

interface TailEvent extends Event {
  readonly data?: { readonly entryLogged: StoredEntry } | null;
}

/** A program that follows the log as docs/live-tail.md says, first on one gateway, and after each interruption on the next. */
export class Follower {
  readonly seen: StoredEntry[] = [];
  /** Codes of what the gateways said instead of an entry. */
  readonly codes: unknown[] = [];
  /** Times that a stream ended, or could not begin. */
  interruptions = 0;
  #isOver = false;
  #current: AsyncIterator<Event> | undefined;
  readonly #done: Promise<void>;

  constructor(
    private readonly fleet: { all(): readonly string[] },
    private readonly transport: Transport,
    private readonly firstGateway: number,
  ) {
    this.#done = this.#follow();
  }

  /** Resolves when it has seen so many entries. */
  async reached(size: number): Promise<void> {
    while (this.seen.length < size && !this.#isOver) await sleep(20);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#current?.return?.();
    await this.#done;
  }

  async #follow(): Promise<void> {
    for (let place = this.firstGateway; !this.#isOver; place++) {
      const url = this.fleet.all()[place % this.fleet.all().length] ?? "";
      await this.#followOn(url).catch(() => undefined);
      this.interruptions++;
      await sleep(50);
    }
  }

  async #followOn(url: string): Promise<void> {
    const client = TRANSPORTS[this.transport](`${url}/graphql`);
    try {
      const stream = client.iterate({ query: QUERY, variables: { from: this.seen.length } });
      this.#current = stream;
      for await (const { data, errors = [] } of stream as AsyncIterable<TailEvent>) {
        if (data) this.seen.push(data.entryLogged);
        this.codes.push(...errors.map(({ extensions }) => extensions?.["code"]));
      }
    } finally {
      client.dispose();
    }
  }
}
