import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { graphqlRequest } from "../gateway.js";
import type { Fleet } from "./fleet.js";
import { logBulk, type LogBulk, type Receipt } from "./log-bulk.js";
import type { StoredEntry } from "./log-reader.js";

const ENTRY = /* GraphQL */ `
  query Entry($leafIndex: AuditLeafIndex!, $text: String!) {
    entry(leafIndex: $leafIndex) {
      leafIndex
      hash
      canonical
    }
    search(query: $text) {
      nodes {
        leafIndex
      }
    }
  }
`;

/** Longer than any fault of these tests lasts; a writer that is refused for longer will not be taken at all. */
const PATIENCE_MS = 90_000;

interface Seen {
  readonly entry: StoredEntry | null;
  readonly search: { readonly nodes: readonly { readonly leafIndex: number }[] };
}

/** A client that repeats a request, with its idempotency key, on any gateway until one acknowledges it, or its patience ends. */
export class PersistentWriter {
  readonly receipts: Receipt[] = [];
  /** Codes of the refusals on the way, and the hints that came with them. */
  readonly refusals: unknown[] = [];
  readonly retryHints: unknown[] = [];
  /** Entries that were acknowledged and that a gateway, asked next, did not have. */
  readonly unseen: StoredEntry[] = [];
  /** How often a gateway that was asked next had the entry. */
  seen = 0;
  #written = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly name: string,
  ) {}

  async writeOnce(): Promise<void> {
    const count = 1 + (this.#written++ % 3);
    const events = Array.from({ length: count }, (_, i) => ({ message: `${this.#written}.${i}`, actor: this.name }));
    const receipt = await this.#logUntilAcknowledged({ events, key: randomUUID() });
    this.receipts.push(receipt);
    const [entry] = receipt.entries;
    if (entry !== undefined) await Promise.all(this.fleet.all().map((url) => this.#look(url, entry)));
  }

  async #logUntilAcknowledged(request: LogBulk): Promise<Receipt> {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      // A gateway that is gone does not answer: nothing is known, and the same is asked of another.
      const answer = await logBulk(this.fleet.some(), request).catch(() => undefined);
      if (answer?.data) return answer.data.logBulk;
      for (const { extensions } of answer?.errors ?? []) {
        this.refusals.push(extensions?.["code"]);
        this.retryHints.push(extensions?.["retryAfterMs"]);
      }
      await sleep(20);
    }
    throw new Error(
      `${this.name} was not acknowledged in ${PATIENCE_MS} ms; the last refusal: ${String(this.refusals.at(-1))}`,
    );
  }

  /** A gateway that cannot answer now says so, and is no witness; one that answers must have the entry. */
  async #look(url: string, entry: StoredEntry): Promise<void> {
    const variables = { leafIndex: entry.leafIndex, text: `actor="${this.name}"` };
    const answer = await graphqlRequest<Seen>(url, ENTRY, variables).catch(() => undefined);
    if (!answer?.data || answer.errors.length > 0) return;
    const isFound = answer.data.search.nodes.some(({ leafIndex }) => leafIndex === entry.leafIndex);
    if (answer.data.entry?.hash === entry.hash && isFound) this.seen += 1;
    else this.unseen.push(entry);
  }
}
