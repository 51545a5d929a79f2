import { setTimeout as sleep } from "node:timers/promises";
import { graphqlData, graphqlRequest } from "../gateway.js";

const LOG_BULK = /* GraphQL */ `
  mutation LogBulk($events: [AuditEventInput!]!) {
    logBulk(events: $events) {
      root {
        treeSize
      }
    }
  }
`;

const LOG_BULK_ASYNC = /* GraphQL */ `
  mutation LogBulkAsync($events: [AuditEventInput!]!) {
    logBulkAsync(events: $events) {
      bulkRequest {
        id
      }
    }
  }
`;

const SEARCH = /* GraphQL */ `
  {
    search(query: "event") {
      resultId
      totalCount
    }
  }
`;

const READ = /* GraphQL */ `
  query Read($result: ID!) {
    root {
      treeSize
      verification {
        checkpoint {
          status
        }
      }
    }
    entry(leafIndex: 0) {
      verification {
        hash {
          status
        }
        membership {
          status
        }
      }
    }
    results(id: $result) {
      nodes {
        leafIndex
      }
    }
  }
`;

interface Search {
  readonly search: { readonly resultId: string; readonly totalCount: number };
}

interface Read {
  readonly root: { readonly treeSize: number };
  readonly results: { readonly nodes: readonly unknown[] };
}

/** How long a store that can be written again may take to be written. */
const RESUME_MS = 20_000;

/** A client of a gateway whose store cannot be written for a while. */
export class StoreClient {
  /** Of the newest root that was acknowledged. */
  size = 0;
  #result = "";

  constructor(private readonly url: string) {}

  /** Logs 100 events of half a kilobyte; answers the code and the hint of a refusal. */
  async logBulk(): Promise<unknown> {
    const answer = await graphqlRequest<{ logBulk: { root: { treeSize: number } } }>(this.url, LOG_BULK, hundred());
    if (answer.data) this.size = answer.data.logBulk.root.treeSize;
    return answer.errors[0]?.extensions;
  }

  async logBulkAsync(): Promise<unknown> {
    const { errors } = await graphqlRequest(this.url, LOG_BULK_ASYNC, hundred());
    return errors[0]?.extensions;
  }

  /** Logs until it is refused. */
  async logUntilRefused(): Promise<unknown> {
    for (let i = 0; i < 500; i++) {
      const refusal = await this.logBulk();
      if (refusal !== undefined) return refusal;
    }
    throw new Error("every event was logged");
  }

  /** Logs until it is not refused any more. */
  async logUntilTaken(): Promise<void> {
    const startedAt = performance.now();
    while ((await this.logBulk()) !== undefined) {
      if (performance.now() - startedAt > RESUME_MS) throw new Error("the store is not written again");
      await sleep(100);
    }
  }

  /** How many events a search finds; its result is what `read` pages through. */
  async search(): Promise<number> {
    const { search } = await graphqlData<Search>(this.url, SEARCH);
    this.#result = search.resultId;
    return search.totalCount;
  }

  /** The newest root, an entry with its proof and a page of the last search: all of that must be answered. */
  async read(): Promise<{ readonly treeSize: number; readonly paged: number; readonly verdicts: readonly string[] }> {
    const data = await graphqlData<Read>(this.url, READ, { result: this.#result });
    const verdicts = [...JSON.stringify(data).matchAll(/"status":"(\w+)"/g)].map(([, status]) => status ?? "");
    return { treeSize: data.root.treeSize, paged: data.results.nodes.length, verdicts };
  }
}

function hundred(): { readonly events: readonly object[] } {
  return { events: Array.from({ length: 100 }, (_, i) => ({ message: `event ${i} ${"x".repeat(500)}` })) };
}
