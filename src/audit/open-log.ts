import type { TreeEdge } from "../core/edge.js";
import type { EventRules } from "../core/event.js";
import { eventRules } from "../core/event-rules.js";
import type { LogFormat } from "../core/format.js";
import { boundFirstAtOrAfter } from "./bound-times.js";
import { CachedRoots } from "./cached-roots.js";
import { EntryReader, entryOf } from "./entry-reader.js";
import { AuditError, endsLog } from "./errors.js";
import { GrowthWatch } from "./growth-watch.js";
import { HistoryGuard } from "./history-guard.js";
import { KeyedAppends } from "./keyed-appends.js";
import type { CheckedEvent } from "./leaf.js";
import type { LogKey } from "./log-key.js";
import { Prover } from "./prover.js";
import type { Appended } from "./queue.js";
import { areAskedFor, type RequestKey } from "./request-key.js";
import { restore, restoreLog, type LogDeclaration, type LogEnvironment, type RestoredLog } from "./restored-log.js";
import { isPlaced, isSealedReceipt } from "./seals.js";
import { Sequencer } from "./sequencer.js";
import type { Entry, EntryOutcome, Logged, Root } from "./service.js";
import type { SignedTree, TreeSource } from "./signed-tree.js";
import { Stamps } from "./stamps.js";
import type { RequestReceipt } from "./store.js";
import { TileReader } from "./tile-reader.js";

/** A log that takes no entries is still there to be read, as far as a tree that it signed says what its entries are. */
type LogState =
  | { readonly kind: "restored"; readonly sequencer: Sequencer }
  | { readonly kind: "broken"; readonly error: AuditError; readonly edge: TreeEdge | undefined };

/** One log, open. What is asked of it is answered from its newest signed tree. */
export class OpenLog {
  /** What this gateway lets into the log. */
  readonly rules: EventRules;
  readonly #growth: GrowthWatch;
  readonly #keyed: KeyedAppends;
  readonly #guard: HistoryGuard;
  readonly #roots: CachedRoots;
  #tiles: TileReader;
  #entries: EntryReader;
  #prover: Prover;
  #state: LogState;

  /** As restoreLog: a log that cannot be trusted is open to be read, and raises the alarm. */
  static async open(environment: LogEnvironment, declaration: LogDeclaration): Promise<OpenLog> {
    const { source, tree } = await restoreLog(environment, declaration);
    const rules = eventRules(declaration.format, declaration.maxValueBytes);
    const log = new OpenLog(source, environment, { tree, rules });
    try {
      await log.#roots.compare();
    } catch (error) {
      log.endTails();
      throw error;
    }
    return log;
  }

  private constructor(
    private readonly source: TreeSource,
    private readonly environment: LogEnvironment,
    { tree, rules }: Pick<RestoredLog, "tree"> & { readonly rules: EventRules },
  ) {
    this.rules = rules;
    const { cache, keyring, alarm, note } = environment;
    this.#tiles = new TileReader(source);
    this.#prover = new Prover(source, this.#tiles);
    this.#entries = new EntryReader(source, this.#tiles);
    this.#growth = new GrowthWatch(environment.sharedStore ? () => this.#lookForGrowth() : undefined);
    if (environment.sharedStore) {
      cache.onNewest(source.log, (treeSize) => {
        if (this.#state.kind === "restored" && treeSize > this.#toldSize) this.#growth.hint();
      });
    }
    this.#keyed = new KeyedAppends(source, (events, requestKey) => this.#sequencer.append(events, requestKey));
    this.#guard = new HistoryGuard({
      source,
      patienceMs: environment.behindPatienceMs,
      look: () => this.#look(),
      onBroken: (error) => {
        alarm(error.message);
        this.#growth.fail(error);
      },
      onMended: () => {
        note(`The log ${this.log} holds again all that was signed: it can be written.`);
      },
    });
    this.#roots = new CachedRoots({
      source,
      cache,
      prover: () => this.#prover,
      secret: keyring.tokenSecret,
      receivedAt: (leafIndex) => this.#receivedAt(leafIndex),
      onConflict: (error, rival) => {
        this.#guard.breakWith(error, rival);
      },
      requireHistory: (remembered) =>
        this.#guard.follow(remembered, this.#state.kind === "restored" ? this.#state.sequencer.seen : undefined),
      isClear: () => this.#guard.isClear,
    });
    if ("error" in tree) this.#guard.breakWith(tree.error);
    this.#state = "error" in tree ? { kind: "broken", ...tree } : this.#restored(tree);
  }

  get log(): string {
    return this.source.log;
  }

  get format(): LogFormat {
    return this.source.format;
  }

  get key(): LogKey {
    return this.source.key;
  }

  get prover(): Prover {
    return this.#prover;
  }

  /** Why the log takes no entries now. */
  get obstacle(): AuditError | undefined {
    return this.#guard.obstacle;
  }

  /** Rejects as Sequencer.append and KeyedAppends.append do. */
  async append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Logged> {
    const sequencer = this.#sequencer;
    await this.#roots.compare(); // before anything is signed: afterwards there would be a second history
    if (this.#guard.isTrusted && !this.#guard.isClear) await sequencer.refresh(); // it may have caught up this moment
    const outcome = await (requestKey === undefined
      ? sequencer.append(events)
      : this.#keyed.append(events, requestKey));
    return outcome.kind === "appended" ? this.#receipt(outcome) : this.#recall(outcome.receipt);
  }

  /** What was answered to the request with this key. */
  async receiptUnder(key: Uint8Array): Promise<Logged | undefined> {
    const [receipt] = await this.source.store.receipts(this.log, [key]);
    return receipt && this.#recall(receipt);
  }

  /**
   * The newest tree of this process, known to be durable; with a shared store, as it is now. Rejects LOG_CORRUPT or
   * ROOT_CONFLICT, and UNAVAILABLE when it cannot be confirmed now.
   */
  async newestTree(): Promise<SignedTree> {
    this.#guard.requireTrusted();
    await this.#catchUp();
    return this.#durableTree();
  }

  /**
   * The entries there are, for a search: a damaged log, or one restored from a backup, can still be searched. They are visible,
   * and a search does not wait until it is confirmed that they are durable.
   */
  async newestSize(): Promise<number> {
    try {
      this.#guard.requireTrusted();
      await this.#catchUp();
      return this.#readable.size;
    } catch (error) {
      if (!endsLog(error)) throw error;
      if (this.#state.kind === "broken") return this.#readable.size;
      const size = (await this.source.store.head(this.log))?.size ?? 0;
      return Math.min(size, this.#readable.size);
    }
  }

  /** The first leaf index below `size` whose entry was received at or after a time; `size` if there is none. */
  firstAtOrAfter(receivedAt: string, size: number): Promise<number> {
    const { store } = this.source;
    return boundFirstAtOrAfter(receivedAt, size, {
      hint: () => store.firstAtOrAfter(this.log, receivedAt, size),
      receivedAt: (leafIndex) => this.#receivedAt(leafIndex),
    });
  }

  /**
   * A tree of at least a size, if there is one: with a shared store, another gateway may have answered with it. Rejects as
   * newestTree, and UNAVAILABLE when the size has been signed but is not in the store yet.
   */
  async treeReaching(size: number): Promise<SignedTree> {
    this.#guard.requireTrusted();
    const { shown } = this.#sequencer.durable;
    if (shown !== undefined && size <= shown.edge.size) return shown;
    await this.#reach(size);
    return this.#durableTree();
  }

  /**
   * The newest root. With a shared store, the cache says whether other gateways have a newer one, and the store is
   * asked only if they have or if the cache does not know. Where the store is behind, its own newest is the answer.
   */
  async newestRoot(): Promise<Root> {
    this.#guard.requireTrusted();
    if (this.environment.sharedStore) await this.#follow();
    return this.#roots.of(await this.#durableTree());
  }

  /** The root of a size from 0 to the tree's. */
  rootAt(tree: SignedTree, treeSize: number): Promise<Root> {
    return this.#roots.at(tree, treeSize);
  }

  async entries(leafIndexes: readonly number[], signal?: AbortSignal): Promise<readonly EntryOutcome[]> {
    const last = leafIndexes.reduce((max, leafIndex) => Math.max(max, leafIndex), -1);
    if (this.#guard.isTrusted) await this.#reach(last + 1);
    return this.#entries.read(leafIndexes, this.#readable, signal);
  }

  /** The log's size once it is above `size`, or when the signal aborts. Rejects when the log cannot grow any more. */
  async grownBeyond(size: number, signal: AbortSignal): Promise<number> {
    while (this.#toldSize <= size && !signal.aborted) await this.#growth.next(signal);
    return this.#toldSize;
  }

  /** Tells those who wait for the log to grow that they wait in vain, and looks at the store no more by itself. */
  endTails(): void {
    this.#guard.close();
    this.#growth.fail(new AuditError("UNAVAILABLE", "The service is closing: try again.", { retryAfterMs: 1_000 }));
  }

  /** Resolves when nothing that was accepted is still on its way into the store. */
  async idle(): Promise<void> {
    if (this.#state.kind === "restored") await this.#state.sequencer.idle();
  }

  /** The newest tree that the store has shown: what is read is of it. Throws LOG_CORRUPT where there is none that the log signed. */
  get #readable(): TreeEdge {
    if (this.#state.kind === "restored") return this.#state.sequencer.seen.edge;
    if (this.#state.edge !== undefined) return this.#state.edge;
    throw this.#state.error;
  }

  /** The entries that may be told of to who follows the log. */
  get #toldSize(): number {
    return this.#sequencer.durable.shown?.edge.size ?? 0;
  }

  /** What others appended is seen from now on. */
  async #catchUp(): Promise<void> {
    if (this.environment.sharedStore) await this.#sequencer.refresh();
  }

  /** Looks for a tree of a size where none was seen. Rejects UNAVAILABLE when it has been signed but is not in the store yet. */
  async #reach(size: number): Promise<void> {
    const isReached = (): boolean => size <= this.#sequencer.seen.edge.size;
    if (isReached()) return;
    await this.#catchUp();
    if (!isReached() && this.environment.sharedStore) await this.#follow();
    if (!isReached() && size <= this.#guard.requiredSize) throw this.#guard.behind();
  }

  /** What is signed leaves only of a tree that lasts: else it would contradict the log after the next failover, for ever. */
  #durableTree(): Promise<SignedTree> {
    return this.#sequencer.durable.confirmed(this.#sequencer.seen);
  }

  /** Those who wait for the log to grow wait on where a newer tree cannot be confirmed. */
  async #lookForGrowth(): Promise<void> {
    await this.#sequencer.refresh();
    await this.#durableTree().catch(() => undefined);
  }

  get #sequencer(): Sequencer {
    if (this.#state.kind === "broken") throw this.#state.error;
    return this.#state.sequencer;
  }

  #receipt({ firstIndex, entries, tree }: Appended): Logged {
    return {
      entries: entries.map((entry, place) => entryOf(this.log, firstIndex + place, entry)),
      root: this.#roots.of(tree),
    };
  }

  /**
   * The receipt of an earlier request, as it was answered then: its entries read back, the root of its tree. That it was read
   * does not say that it is durable.
   */
  async #recall(receipt: RequestReceipt): Promise<Logged> {
    const { firstIndex, count, treeSize, seal } = receipt;
    if (seal !== undefined && !isSealedReceipt(this.key, receipt)) throw changedReceipt();
    if (treeSize > this.#readable.size) await this.#sequencer.refresh();
    const { seen: tree, durable } = this.#sequencer;
    if (!isPlaced(receipt, tree.edge.size)) throw changedReceipt();
    await durable.require(tree, treeSize);
    const leafIndexes = Array.from({ length: count }, (_, place) => firstIndex + place);
    const outcomes = await this.#entries.read(leafIndexes, tree.edge);
    const entries = outcomes.map(requireGenuine);
    // One of an earlier version has no seal: it is believed as far as its entries show it.
    if (seal === undefined && !areAskedFor(receipt.requestDigest, entries, this.format)) throw changedReceipt();
    return { entries, root: await this.#roots.at(tree, treeSize) };
  }

  async #follow(): Promise<void> {
    const published = await this.#roots.published(this.#sequencer.seen);
    const known = this.#sequencer.seen.edge.size;
    if (published === undefined || published.treeSize > known) await this.#sequencer.refresh();
    if (published !== undefined && published.treeSize > this.#sequencer.seen.edge.size) {
      await this.#guard.follow(published, this.#sequencer.seen);
    }
    this.#guard.requireTrusted();
  }

  /** Rejects LOG_CORRUPT or ROOT_CONFLICT while the log cannot be trusted, and when the store does not answer. */
  async #look(): Promise<void> {
    if (this.#state.kind === "broken") await this.#restoreAgain(this.#state.error);
    await this.#sequencer.refresh();
  }

  async #restoreAgain(error: AuditError): Promise<void> {
    const head = await this.source.store.head(this.log);
    const tree = head && (await restore(this.source, head, this.environment.alarm));
    if (tree === undefined || "error" in tree) throw error;
    this.#state = this.#restored(tree);
  }

  #restored(tree: SignedTree): LogState {
    const { clock, limits, appendTimeoutMs, onWaiting, alarm, note } = this.environment;
    const { lastReceivedAt } = tree;
    this.#prover.trust(tree);
    const sequencer = new Sequencer({
      source: this.source,
      tree,
      stamps: new Stamps({ log: this.log, clock, lastReceivedAt, alarm, note }),
      guard: this.#guard,
      ...(limits === undefined ? {} : { limits }),
      onWaiting: (events) => onWaiting?.(this.log, events),
      ...(appendTimeoutMs === undefined ? {} : { appendTimeoutMs }),
      onFilled: (full) => {
        for (const tile of full) this.#tiles.keep(tile);
      },
      onGrown: (grown) => {
        this.#prover.trust(grown);
        this.#growth.grown();
      },
      onDurable: (durable) => {
        this.#roots.publish(durable);
      },
      onReplaced: (other) => {
        this.#readFrom(other);
      },
    });
    return { kind: "restored", sequencer };
  }

  /** Leaves behind what was proven of earlier trees. */
  #readFrom(tree: SignedTree): void {
    this.#tiles = new TileReader(this.source);
    this.#entries = new EntryReader(this.source, this.#tiles);
    this.#prover = new Prover(this.source, this.#tiles);
    this.#prover.trust(tree);
    this.#roots.forget();
    this.#growth.grown();
  }

  async #receivedAt(leafIndex: number): Promise<string> {
    const [outcome] = await this.#entries.read([leafIndex], this.#readable);
    if (outcome?.kind === "entry") return outcome.entry.envelope.received_at;
    throw new AuditError(
      "ENTRY_CORRUPT",
      `Entry ${leafIndex} of the log ${this.log}, whose time is needed, was changed.`,
    );
  }
}

function changedReceipt(): AuditError {
  return new AuditError("ENTRY_CORRUPT", "What is stored under this idempotency key was changed: it is not shown.");
}

function requireGenuine(outcome: EntryOutcome): Entry {
  if (outcome.kind === "entry") return outcome.entry;
  throw new AuditError("ENTRY_CORRUPT", "An entry that was logged under this idempotency key was changed since.");
}
