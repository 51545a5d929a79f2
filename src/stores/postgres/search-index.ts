import { rangeBehind, type IndexQuery, type SearchIndex, type Slice } from "../../audit/search-index.js";
import { Watermarks } from "../../audit/watermarks.js";
import { canLookUp, prefixesIn, SCAN, type Way } from "./condition.js";
import type { Database } from "./database.js";
import { leafTerm } from "./document.js";
import { Follower } from "./follower.js";
import { watermark } from "./lease.js";
import { FIRST_REACH, nextReach } from "./reach.js";
import {
  counted,
  gather,
  isWalkable,
  walk,
  walkWithin,
  type BoundStatement,
  type FoundLeaf,
  type Search,
} from "./search-statement.js";
import { expansionsOf } from "./vocabulary.js";
import type { Statement } from "./transaction.js";

const LEAVES_BY_HASH: Statement<FoundLeaf> = {
  name: "leaves-by-hash",
  text: `
    WITH matches AS MATERIALIZED (
      SELECT leaf_index FROM auditql.docs
      WHERE string_to_array(btrim(terms), ' ') && $3::text[] AND log = $1 AND leaf_index < $2
    )
    SELECT leaf_index AS "leafIndex" FROM matches ORDER BY leaf_index`,
};

const LOGS_BEHIND: Statement<{ readonly log: string }> = {
  name: "logs-behind",
  text: `
    SELECT log FROM auditql.heads LEFT JOIN auditql.indexing USING (log)
    WHERE heads.size > coalesce(indexing.size, 0)`,
};

/** Entries that a gateway appended before it died are indexed by another one after this time at the latest. */
const SWEEP_MS = 5_000;

const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 100;

/** Finds leaves in PostgreSQL, by tables that follow the logs and that all gateways share. */
export class PostgresSearchIndex implements SearchIndex {
  readonly #database: Database;
  readonly #follower: Follower;
  readonly #watermarks = new Watermarks();
  readonly #sweep: NodeJS.Timeout;

  constructor(database: Database) {
    this.#database = database;
    this.#follower = new Follower(database, (log, size) => {
      this.#watermarks.advance(log, size);
    });
    this.#sweep = setInterval(() => void this.#wakeLogsBehind(), SWEEP_MS).unref();
    void this.#wakeLogsBehind();
  }

  /** To be called after each append of this process: the log is indexed soon. */
  follow(log: string): void {
    this.#follower.wake(log, "soon");
  }

  /**
   * The database is asked each time: what this process has seen indexed says nothing of the server that it is connected to now,
   * after a failover, or after a backup was put in place. Such a search would miss what is not indexed there, and not say so.
   */
  async reached(log: string, size: number, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS)) {
      this.#watermarks.advance(log, await watermark(this.#database, log));
      if (await this.#watermarks.reached(log, size, 0)) return true;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return this.#watermarks.reached(log, size, 0);
      if (pollMs === FIRST_POLL_MS) this.#follower.wake(log, "urgent");
      else this.#follower.hurry(log);
      await this.#watermarks.reached(log, size, Math.min(pollMs, leftMs));
    }
  }

  indexedSize(log: string): Promise<number> {
    return watermark(this.#database, log);
  }

  async page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]> {
    const { after, offset = 0, limit } = slice;
    const found = await this.#find({ ...behind(query, after), limit: offset + limit }, signal);
    return found.slice(offset).map(({ leafIndex }) => leafIndex);
  }

  async count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number> {
    const way = await this.#way(query, signal);
    const { statement, values } = counted(way, { query, limit: cap });
    const [count] = await this.#database.rows(statement, values, signal);
    return count?.matches ?? 0;
  }

  async leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]> {
    const found = await this.#database.rows(LEAVES_BY_HASH, [log, size, [leafTerm(leafHash)]]);
    return found.map(({ leafIndex }) => leafIndex);
  }

  /** Ends the indexing; the database stays open for whoever opened it. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#watermarks.close();
    await this.#follower.close();
  }

  async #find(search: Search, signal: AbortSignal | undefined): Promise<readonly FoundLeaf[]> {
    const { order } = search.query;
    const ask: Ask = async ({ statement, values }) => this.#database.rows(statement, values, signal);
    const way = await this.#way(search.query, signal);
    if (!isWalkable(order)) return ask(gather(way, search));
    return way.kind === "scan" ? ask(walk(search)) : walkOrGather(way, search, ask);
  }

  async #way({ log, filter }: IndexQuery, signal: AbortSignal | undefined): Promise<Way> {
    const expansions = await expansionsOf(this.#database, { log, prefixes: prefixesIn(filter) }, signal);
    return canLookUp(filter, expansions) ? { kind: "look-up", expansions } : SCAN;
  }

  async #wakeLogsBehind(): Promise<void> {
    const behind = await this.#database.rows(LOGS_BEHIND, []).catch(() => []);
    for (const { log } of behind) this.#follower.wake(log, "soon");
  }
}

type Ask = (search: BoundStatement<FoundLeaf>) => Promise<readonly FoundLeaf[]>;

async function walkOrGather(way: Way, search: Search, ask: Ask): Promise<readonly FoundLeaf[]> {
  const { query, limit } = search;
  const span = query.range.end - query.range.start;
  let reach: number | undefined = FIRST_REACH;
  while (reach !== undefined) {
    const found = await ask(walkWithin(reach, search));
    if (found.length === limit || reach >= span) return found;
    reach = nextReach({ reach, found: found.length, wanted: limit, span });
  }
  return ask(gather(way, search));
}

/** What is left of a query behind a leaf: less of its range, or all of it from a place in the order of its field. */
function behind(query: IndexQuery, after: number | undefined): Omit<Search, "limit"> {
  if (after === undefined) return { query };
  const inLeafOrder = query.order.field === "received_at";
  return inLeafOrder ? { query: { ...query, range: rangeBehind(query, after) } } : { query, after };
}
