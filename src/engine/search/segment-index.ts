import { unlessAborted } from "../../audit/calls.js";
import {
  rangeBehind,
  type CheckedSegment,
  type IndexHead,
  type IndexQuery,
  type ProofQuery,
  type ProvenAnswer,
  type ReadEntries,
  type SearchIndex,
  type Slice,
  type StoredIndex,
  type TimesFound,
} from "../../audit/search-index.js";
import type { Facet, FacetRequest } from "../../audit/breakdown.js";
import type { BlockStore } from "../../audit/block-store.js";
import type { Entry } from "../../audit/service.js";
import type { LogStore } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import type { ProvenLeaves } from "../../core/segment/proof-document.js";
import { provenLeaves } from "../../core/segment/prove.js";
import type { LeafRange } from "../../core/tree.js";
import { matcherOf, matches, type Filter } from "../../query/filter.js";
import { beingBuilt } from "./answer-prover.js";
import { proofCache } from "./base-segments.js";
import { countLeaves, countMatches, countTimes, timesOf } from "./counts.js";
import { leavesByField } from "./field-order.js";
import { LogIndex } from "./log-index.js";
import { LONG_CHARACTERS, storedEntries } from "./log-rows.js";
import { countOf, leavesIn, matchesOf, Steps, type SearchedLog, type Sought } from "./matches.js";
import { ProofCheck } from "./proof-check.js";
import { LongEntries } from "./long-entries.js";
import { MERGED_IN_MEMORY } from "./segment-builder.js";
import { SegmentMaker } from "./segment-maker.js";
import { SegmentMerger } from "./segment-merger.js";
import { Turns } from "./turns.js";
import { topValues } from "./value-counts.js";
import { blockCache } from "./open-segment.js";

export interface SegmentIndexOptions {
  readonly log: Pick<LogStore, "entries" | "head" | "heads" | "leafHashes">;
  readonly blocks: BlockStore;
  /** Whether other gateways write to the same logs. */
  readonly isShared: boolean;
  /** Memory for blocks. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Blocks of segments that are merged in memory; more are merged from block to block. Default 32,768. */
  readonly mergedInMemory?: number;
  /** What builds segments, and is closed with the index. Default: a new one. */
  readonly maker?: SegmentMaker;
  /** Called with a sentence when segments are not built. */
  readonly warn?: (message: string) => void;
}

const CACHE_BYTES = 64 * 2 ** 20;
/** How often logs are looked at that nobody searches; where several gateways share a database, each does. */
const SWEEP_MS = 1_000;
const SHARED_SWEEP_MS = 5_000;
/** Of all logs: each can hold what it has read, 16 MiB, some times over. */
const PROOFS_AT_ONCE = 2;

/**
 * Finds leaves by segments over a store's blocks, and what they do not cover yet by the log itself: so every search sees
 * every entry. Words are cut and segments built in threads of
 * their own: the text of one entry can take a second.
 */
export class SegmentIndex implements SearchIndex {
  readonly #logs = new Map<string, LogIndex>();
  readonly #maker: SegmentMaker;
  readonly #background: SegmentMaker;
  readonly #baseMaker = new SegmentMaker();
  readonly #merger = new SegmentMerger();
  readonly #longEntries = new LongEntries();
  readonly #check = new ProofCheck();
  readonly #proving = new Turns(PROOFS_AT_ONCE);
  /** How the logs that it follows are read. */
  readonly #followed = new Map<string, ReadEntries>();
  readonly #make: (log: string) => LogIndex;
  readonly #sweep: NodeJS.Timeout;

  constructor(private readonly options: SegmentIndexOptions) {
    const { log: reads, blocks, isShared, cacheBytes = CACHE_BYTES, warn = warnProcess } = options;
    const { mergedInMemory = MERGED_IN_MEMORY } = options;
    this.#maker = options.maker ?? new SegmentMaker();
    this.#background = options.maker ?? new SegmentMaker({ isBackground: true });
    const cache = blockCache(cacheBytes);
    const proofs = proofCache();
    const makers = {
      maker: this.#maker,
      background: this.#background,
      baseMaker: this.#baseMaker,
      merger: this.#merger,
    };
    this.#make = (log) => {
      const stored = storedEntries(reads, log);
      const entries: ReadEntries = (leaves, signal) => (this.#followed.get(log) ?? stored)(leaves, signal);
      return new LogIndex({ log, reads, entries, blocks, cache, proofs, isShared, warn, mergedInMemory, ...makers });
    };
    this.#sweep = setInterval(() => void this.#wakeAll(), isShared ? SHARED_SWEEP_MS : SWEEP_MS).unref();
  }

  follow(log: string, entries: ReadEntries): void {
    this.#followed.set(log, entries);
    void this.#wakeAll();
  }

  prepare(log: string, size: number, history: number): void {
    this.#log(log).prepare(size, history);
  }

  indexedSize(log: string): Promise<number> {
    return this.#log(log).storedSize();
  }

  check(log: string, from: number): AsyncIterable<CheckedSegment> {
    return this.#log(log).check(from);
  }

  storedIndex(log: string, size: number): Promise<StoredIndex | undefined> {
    return this.#log(log).storedIndex(size);
  }

  async page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]> {
    const { after, offset = 0, limit } = slice;
    const { field, direction } = query.order;
    const descending = direction === "desc";
    if (field === "received_at") {
      const range = after === undefined ? query.range : rangeBehind(query, after);
      const wanted = { start: offset, end: offset + limit };
      return this.#answer({ ...query, range }, signal, (searched) =>
        inLeafOrder(query, { wanted, descending }, searched),
      );
    }
    const wanted = { field, descending, after, count: offset + limit };
    const found = await this.#answer(query, signal, (searched) => leavesByField(soughtBy(query), wanted, searched));
    return found.slice(offset);
  }

  count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number> {
    return this.#answer(query, signal, (searched) => countMatches(soughtBy(query), cap, searched));
  }

  countLeaves(query: IndexQuery, limits: readonly number[], signal?: AbortSignal): Promise<readonly number[]> {
    return this.#answer(query, signal, (searched) => countLeaves(soughtBy(query), limits, searched));
  }

  countTimes(query: IndexQuery, limits: readonly number[], signal?: AbortSignal): Promise<readonly number[]> {
    return this.#answer(query, signal, (searched) => countTimes(soughtBy(query), limits, searched));
  }

  timesOf(query: IndexQuery, signal?: AbortSignal): Promise<TimesFound> {
    return this.#answer(query, signal, (searched) => timesOf(soughtBy(query), searched));
  }

  topValues(query: IndexQuery, wanted: FacetRequest, signal?: AbortSignal): Promise<Facet> {
    return this.#answer(query, signal, (searched) => topValues(soughtBy(query), wanted, searched));
  }

  async isMatch(filter: Filter, entry: Entry, signal?: AbortSignal): Promise<boolean> {
    return filter.kind === "all" || entry.canonical.length < LONG_CHARACTERS
      ? matches(filter, entry.envelope.event)
      : unlessAborted(this.#longEntries.matches(filter, entry, new Steps(signal)), signal);
  }

  async leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]> {
    const sought: Sought = {
      filter: { kind: "leaf", hash: leafHash },
      isMatch: (row) => row.isCorrupt || equalBytes(row.leafHash, leafHash),
    };
    const range = { start: 0, end: size };
    return this.#answer({ log, range }, undefined, async (searched) => {
      const leaves: number[] = [];
      for await (const found of matchesOf(sought, searched, false)) leaves.push(...leavesIn(found));
      return leaves;
    });
  }

  async indexHead(log: string, size: number): Promise<IndexHead> {
    const index = this.#log(log);
    const { size: treeSize, rootHash } = await index.unlessLost(() => index.indexTree(size));
    return { treeSize, rootHash };
  }

  async indexRecords(log: string, size: number, range: LeafRange): Promise<ProvenLeaves> {
    const index = this.#log(log);
    const tree = await index.unlessLost(() => index.indexTree(size * BASE_ENTRIES));
    if (tree.size !== size) throw beingBuilt();
    return provenLeaves(tree, leavesBetween(range));
  }

  async prove(query: ProofQuery, signal?: AbortSignal): Promise<ProvenAnswer> {
    signal?.throwIfAborted();
    const index = this.#log(query.log);
    const checked = async (): Promise<ProvenAnswer> => {
      const proven = await index.unlessLost(() => index.prove(query, signal));
      await this.#check.require(query, proven);
      return proven;
    };
    return unlessAborted(this.#proving.run(checked, signal), signal);
  }

  /** Resolves when the segments in hand are stored; a large merge ends where it is, and starts over another time. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await this.#merger.close();
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
    await Promise.all([...new Set([this.#maker, this.#background, this.#baseMaker])].map((maker) => maker.close()));
    await this.#longEntries.close();
    await this.#check.close();
    await this.options.blocks.close();
  }

  #log(name: string): LogIndex {
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name);
    this.#logs.set(name, made);
    return made;
  }

  async #wakeAll(): Promise<void> {
    const heads = await this.options.log.heads().catch(() => []);
    for (const { log, size } of heads) if (this.#followed.has(log)) this.#log(log).sweep(size);
  }

  /** Runs a search, again when a segment turned out to be gone or damaged. */
  async #answer<T>(
    query: Pick<IndexQuery, "log" | "range" | "history">,
    signal: AbortSignal | undefined,
    search: (searched: SearchedLog) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    return unlessAborted(this.#found(query, signal, search), signal); // also while it waits for a block
  }

  async #found<T>(
    { log, range, history }: Pick<IndexQuery, "log" | "range" | "history">,
    signal: AbortSignal | undefined,
    search: (searched: SearchedLog) => Promise<T>,
  ): Promise<T> {
    const index = this.#log(log);
    return index.unlessLost(async () =>
      search({
        log,
        entries: index.entries,
        longEntries: this.#longEntries,
        signal,
        parts: await index.parts(range, { history, signal }),
      }),
    );
  }
}

function leavesBetween({ start, end }: LeafRange): readonly number[] {
  return Array.from({ length: end - start }, (_, place) => start + place);
}

function soughtBy({ filter }: IndexQuery): Sought {
  const isMatch = matcherOf(filter);
  return { filter, isMatch: (row) => row.isCorrupt || isMatch(row.searchable) };
}

async function inLeafOrder(
  query: IndexQuery,
  { wanted, descending }: { readonly wanted: LeafRange; readonly descending: boolean },
  searched: SearchedLog,
): Promise<readonly number[]> {
  const leaves: number[] = [];
  if (wanted.start === wanted.end) return leaves;
  let passed = 0;
  for await (const found of matchesOf(soughtBy(query), searched, descending)) {
    const count = countOf(found);
    if (passed + count > wanted.start) {
      const all = leavesIn(found);
      const inOrder = descending ? [...all].reverse() : all;
      leaves.push(...inOrder.slice(Math.max(0, wanted.start - passed), wanted.end - passed));
    }
    passed += count;
    if (passed >= wanted.end) break;
  }
  return leaves;
}

function warnProcess(message: string): void {
  process.emitWarning(message, "AuditQLWarning");
}
