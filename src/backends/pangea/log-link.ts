import { LRUCache } from "lru-cache";
import type { Alarm, AlarmCode } from "../../audit/alarm.js";
import { timeText } from "../../audit/clock.js";
import { AuditError, withOutcome, type AuditErrorCode } from "../../audit/errors.js";
import type { Entry, Logged, Root, TreeEntry } from "../../audit/service.js";
import { digestBytes, digestOf, equalBytes, parseDigest, type Digest } from "../../core/bytes.js";
import type { EventSchema } from "../../core/event-schema.js";
import type { LogFormat } from "../../core/format.js";
import { isPlainObject, type Json, type JsonObject } from "../../core/json.js";
import { rootOfText, rootsOfText } from "../../core/proof-text.js";
import type { LogKey } from "../../keys/log-key.js";
import { GroupedLog } from "./grouped-log.js";
import { Lookups, type Shown, type Window } from "./lookups.js";
import { Places } from "./places.js";
import { readServedRoot, strange, type PangeaRoots, type ServedRoot } from "./roots.js";
import { readEnvelope, ShownEntries, type ProvingTree } from "./shown.js";
import type { Answer, CallOptions, PangeaWire } from "./wire.js";

export interface LogLinkOptions {
  readonly log: string;
  /** Undefined: the token's only configuration. */
  readonly configId: string | undefined;
  /** Undefined: the standard fields. */
  readonly schema: EventSchema | undefined;
  readonly wire: PangeaWire;
  readonly roots: PangeaRoots;
  readonly key: LogKey;
  readonly format: LogFormat;
  readonly alarm: Alarm;
}

/** A page of events as the service gave it, each checked. */
export interface ServedPage {
  /** The service's id of the result; `/v1/results` need not repeat it. */
  readonly id: string | undefined;
  readonly expiresAtMs: number | undefined;
  readonly count: number;
  readonly outcomes: readonly TreeEntry[];
  /** The size of the published tree, or before the first publication of the other; 0 for a log without events. */
  readonly treeSize: number;
}

const MAX_UNPUBLISHED = 1_000;
const PAGE = 1_000;
const MOST_RESULTS = 10_000;

/** One log of the service: calls of its configuration, and the checks of what comes back. */
export class LogLink {
  readonly shown: ShownEntries;
  readonly #lookups = new Lookups((window) => this.#within(window));
  readonly #places: Places;
  readonly #grouped = new GroupedLog((items) => this.#logAll(items));
  readonly #unpublished = new LRUCache<number, Root>({ max: MAX_UNPUBLISHED });
  /** Of the last event that was logged here: the next one is proven to extend it. */
  #lastRoot: Digest | undefined;

  constructor(readonly options: LogLinkOptions) {
    const { log, format, roots } = options;
    this.shown = new ShownEntries(log, format);
    this.#places = new Places({
      ...{ log, format, shown: this.shown },
      published: (treeSize) => roots.at(treeSize),
      rootOf: (treeSize) => this.root(treeSize),
      search: (logged, signal) => this.#lookups.find(logged, signal),
    });
  }

  /** A call of the log's configuration. */
  async call(endpoint: string, body: JsonObject, options: CallOptions): Promise<Readonly<Record<string, unknown>>> {
    return (await this.#answer(endpoint, body, options)).result;
  }

  #answer(endpoint: string, body: JsonObject, options: CallOptions): Promise<Answer> {
    const { wire, configId } = this.options;
    const scoped: Json = configId === undefined ? body : { ...body, config_id: configId };
    return wire.call(endpoint, scoped, options);
  }

  /** Logs events and returns the receipt: where each is, and a tree that holds them all. */
  log(items: readonly JsonObject[], signal: AbortSignal | undefined): Promise<Logged> {
    const [first, ...others] = items;
    return first !== undefined && others.length === 0 ? this.#grouped.log(first, signal) : this.#logAll(items, signal);
  }

  async #logAll(items: readonly JsonObject[], signal?: AbortSignal): Promise<Logged> {
    const [only] = items;
    const isWrite = true;
    if (items.length === 1 && only !== undefined) {
      const previous = this.#lastRoot;
      const body = { ...only, verbose: true, ...(previous === undefined ? {} : { prev_root: previous }) };
      const result = await this.call("/v1/log", body, { isWrite, signal });
      return this.#receipt(
        [result],
        () => {
          this.#checkGrowth(result, previous);
        },
        signal,
      );
    }
    return this.bulkReceipt(await this.call("/v2/log", { events: items, verbose: true }, { isWrite, signal }), signal);
  }

  /** Logs events that can wait; polled until they are logged. With the id that the service gave the request. */
  async logLater(
    items: readonly JsonObject[],
    signal: AbortSignal | undefined,
  ): Promise<{ readonly requestId: string; readonly logged: Logged }> {
    const body = { events: items, verbose: true };
    const { requestId, result } = await this.#answer("/v2/log_async", body, { isWrite: true, signal });
    return { requestId, logged: await this.bulkReceipt(result, signal) };
  }

  /** The receipt of a finished bulk request. */
  bulkReceipt({ results }: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<Logged> {
    const list: readonly unknown[] = Array.isArray(results) ? results : [];
    return this.#receipt(list.filter(isPlainObject), () => undefined, signal);
  }

  /** Reads the `result` of a search or of its pages (section 1.6), and remembers roots, entries and proofs in it. */
  async page(result: Readonly<Record<string, unknown>>): Promise<ServedPage> {
    const { id, expires_at, count, events } = result;
    if (!Array.isArray(events) || typeof count !== "number") throw strange("a result without events or count");
    const published = readServedRoot(result["root"]);
    const unpublished = readServedRoot(result["unpublished_root"]);
    if (published !== undefined) await this.options.roots.keep(published);
    if (unpublished !== undefined) this.#keepUnpublished(unpublished, published);
    const trees = { published, unpublished };
    return {
      id: typeof id === "string" ? id : undefined,
      expiresAtMs: typeof expires_at === "string" ? Date.parse(expires_at) : undefined,
      count,
      outcomes: (events as readonly unknown[]).map((event) => this.shown.show(event, trees)),
      treeSize: (published ?? unpublished)?.treeSize ?? 0,
    };
  }

  /** The root of a size: of an answer's unpublished tree, or a published one. */
  async root(treeSize: number | undefined): Promise<Root> {
    const { roots } = this.options;
    if (treeSize === 0) return this.#rootOf({ treeSize, hash: digestOf(this.options.format.emptyRoot) });
    if (treeSize !== undefined) return this.#unpublished.get(treeSize) ?? roots.at(treeSize);
    try {
      return await roots.newest();
    } catch (error) {
      if (error instanceof AuditError && error.code === "NOT_FOUND") return this.root(0);
      throw error;
    }
  }

  /** The service may number its unpublished tree by itself: then a size would name two trees, and none is kept. */
  #keepUnpublished(tree: ServedRoot, published: ServedRoot | undefined): void {
    if (tree.treeSize < (published?.treeSize ?? 0)) {
      throw new AuditError(
        "UNSUPPORTED",
        "The audit service behind this gateway numbers its unpublished events apart: end the window before the newest.",
      );
    }
    if (tree.treeSize === published?.treeSize && tree.hash === published.hash) return;
    this.#unpublished.set(tree.treeSize, this.#rootOf(tree));
  }

  #rootOf({ treeSize, hash }: ProvingTree): Root {
    const { log, key } = this.options;
    const publishedAt = timeText(Date.now() * MICROS_PER_MS);
    return { log, treeSize, hash, publishedAt, checkpoint: key.sign(treeSize, digestBytes(hash)) };
  }

  /** What follows a 2xx is about events that are stored, so every error here says that they may be. */
  async #receipt(
    results: readonly Readonly<Record<string, unknown>>[],
    check: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Logged> {
    try {
      const read = results.map((result) => readEnvelope(this.options.format, result));
      const logged = read.filter((one) => one !== undefined);
      if (logged.length === 0 || logged.length < read.length)
        throw this.#broken("ENTRY_CORRUPT", "its receipt's hash is not that of its envelope");
      check();
      return await this.#places.find(logged, signal);
    } catch (error) {
      throw error instanceof AuditError ? withOutcome(error, "UNKNOWN") : error;
    }
  }

  async #within(window: Window): Promise<Shown> {
    const found = new Map<Digest, Entry[]>();
    const body = {
      query: "",
      ...window,
      order: "asc",
      order_by: "received_at",
      limit: PAGE,
      max_results: MOST_RESULTS,
      verbose: true,
    };
    let page = await this.page(await this.call("/v1/search", body, {}));
    const { id } = page;
    for (let offset = 0; ;) {
      for (const outcome of page.outcomes) {
        if (outcome.kind !== "entry") continue;
        const same = found.get(outcome.entry.hash);
        if (same === undefined) found.set(outcome.entry.hash, [outcome.entry]);
        else same.push(outcome.entry);
      }
      offset += page.outcomes.length;
      if (page.outcomes.length === 0 || offset >= page.count || id === undefined) return found;
      page = await this.page(await this.call("/v1/results", { id, offset, limit: PAGE }, {}));
    }
  }

  /** Section 4.8: the event is in the tree that the service says it now has, and that extends the one before. */
  #checkGrowth(result: Readonly<Record<string, unknown>>, previous: Digest | undefined): void {
    const { format } = this.options;
    const { unpublished_root, membership_proof, consistency_proof, hash } = result;
    const root = typeof unpublished_root === "string" ? parseDigest(unpublished_root) : undefined;
    const leaf = typeof hash === "string" ? parseDigest(hash) : undefined;
    if (root === undefined || leaf === undefined || typeof membership_proof !== "string") return;
    const reached = rootOfText(format, digestBytes(leaf), membership_proof);
    if (reached === undefined || !equalBytes(reached, digestBytes(root))) {
      throw this.#broken("LOG_CORRUPT", "its proof does not lead to the tree that it was added to");
    }
    if (previous !== undefined && Array.isArray(consistency_proof)) {
      const lines = consistency_proof.filter((line) => typeof line === "string");
      const roots = rootsOfText(format, lines);
      const isExtended =
        roots !== undefined && equalBytes(roots.from, digestBytes(previous)) && equalBytes(roots.to, digestBytes(root));
      if (!isExtended) throw this.#broken("ROOT_CONFLICT", "its tree does not extend the one before it");
    }
    this.#lastRoot = root;
  }

  #broken(code: AlarmCode & AuditErrorCode, what: string): AuditError {
    const message = `The audit service logged an event to ${this.options.log}, but ${what}.`;
    this.options.alarm(message, code);
    return new AuditError(code, message);
  }
}

const MICROS_PER_MS = 1_000;
