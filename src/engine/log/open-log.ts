import { AuditError } from "../../audit/errors.js";
import type { LogDeclaration } from "../../audit/log-declaration.js";
import type { EntryOutcome, Logged, Root } from "../../audit/service.js";
import type { EventRules } from "../../core/event.js";
import { eventRules } from "../../core/event-rules.js";
import type { LogFormat } from "../../core/format.js";
import type { LogKey } from "../../keys/log-key.js";
import { boundFirstAtOrAfter } from "../tree/bound-times.js";
import { CachedRoots } from "../tree/cached-roots.js";
import { EntryReader, entryOf } from "../tree/entry-reader.js";
import { HistoryGuard } from "../tree/history-guard.js";
import type { CheckedEvent } from "../tree/leaf.js";
import { Prover } from "../tree/prover.js";
import type { SignedTree, TreeSource } from "../tree/signed-tree.js";
import { TileReader } from "../tree/tile-reader.js";
import { GrowthWatch } from "./growth-watch.js";
import { KeyedAppends } from "./keyed-appends.js";
import { NewestTree } from "./newest-tree.js";
import type { Appended } from "./queue.js";
import type { RequestKey } from "./request-key.js";
import { restoreLog, type LogEnvironment, type RestoredLog } from "./restored-log.js";

/** One log, open. What is asked of it is answered from its newest signed tree. */
export class OpenLog {
  /** What this gateway lets into the log. */
  readonly rules: EventRules;
  readonly newest: NewestTree;
  readonly #growth: GrowthWatch;
  readonly #keyed: KeyedAppends;
  readonly #guard: HistoryGuard;
  readonly #roots: CachedRoots;
  #tiles: TileReader;
  #entries: EntryReader;
  #prover: Prover;

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
    environment: LogEnvironment,
    { tree, rules }: Pick<RestoredLog, "tree"> & { readonly rules: EventRules },
  ) {
    this.rules = rules;
    const { cache, keyring, alarm, note, sharedStore, behindPatienceMs: patienceMs } = environment;
    this.#tiles = new TileReader(source);
    this.#prover = new Prover(source, this.#tiles);
    this.#entries = new EntryReader(source, this.#tiles);
    this.#growth = new GrowthWatch(sharedStore ? () => this.newest.lookForGrowth() : undefined);
    this.#guard = new HistoryGuard({
      ...{ source, patienceMs },
      look: () => this.newest.look(),
      onBroken: (error) => {
        alarm(error.message);
        this.#growth.fail(error);
      },
      onMended: () => {
        note(`The log ${this.log} holds again all that was signed: it can be written.`);
      },
    });
    this.#roots = new CachedRoots({
      ...{ source, cache, secret: keyring.tokenSecret },
      prover: () => this.#prover,
      receivedAt: async (leafIndex) => this.#timeIn(leafIndex, (await this.#newestEntries([leafIndex]))[0]),
      onConflict: (error, rival) => {
        this.#guard.breakWith(error, rival);
      },
      requireHistory: (remembered) => this.#guard.follow(remembered, this.newest.seen),
      isClear: () => this.#guard.isClear,
    });
    this.newest = new NewestTree({
      ...{ source, environment, tree, guard: this.#guard, roots: this.#roots },
      onTree: (proven) => {
        this.#prover.trust(proven);
        this.#growth.grown();
      },
      onFilled: (full) => {
        for (const tile of full) this.#tiles.keep(tile);
      },
      onReplaced: (other) => {
        this.#readFrom(other);
      },
    });
    this.#keyed = new KeyedAppends({
      source,
      sequencer: () => this.newest.sequencer,
      entries: () => this.#entries,
      roots: this.#roots,
    });
    if (sharedStore) {
      cache.onNewest(source.log, (treeSize) => {
        if (this.newest.seen !== undefined && treeSize > this.newest.toldSize) this.#growth.hint();
      });
    }
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
    const { sequencer } = this.newest;
    await this.#roots.compare(); // before anything is signed: afterwards there would be a second history
    if (this.#guard.isTrusted && !this.#guard.isClear) await sequencer.refresh(); // it may have caught up this moment
    const outcome = await (requestKey === undefined
      ? sequencer.append(events)
      : this.#keyed.append(events, requestKey));
    return outcome.kind === "appended" ? this.#receipt(outcome) : this.#keyed.recall(outcome.receipt);
  }

  /** What was answered to the request with this key. */
  async receiptUnder(key: Uint8Array): Promise<Logged | undefined> {
    const [receipt] = await this.source.store.receipts(this.log, [key]);
    return receipt && this.#keyed.recall(receipt);
  }

  /** For each time the first leaf index below `size` whose entry was received at or after it; `size` if there is none. */
  firstAtOrAfter(times: readonly string[], size: number): Promise<readonly number[]> {
    const { store } = this.source;
    return boundFirstAtOrAfter(times, size, {
      hint: (time) => store.firstAtOrAfter(this.log, time, size),
      receivedAt: async (leafIndexes) => {
        const outcomes = await this.#newestEntries(leafIndexes);
        return leafIndexes.map((leafIndex, place) => this.#timeIn(leafIndex, outcomes[place]));
      },
    });
  }

  /** The newest root. Rejects as NewestTree.published. */
  async newestRoot(): Promise<Root> {
    return this.#roots.of(await this.newest.published());
  }

  /** The root of a size from 0 to the tree's. */
  rootAt(tree: SignedTree, treeSize: number): Promise<Root> {
    return this.#roots.at(tree, treeSize);
  }

  async entries(leafIndexes: readonly number[], signal?: AbortSignal): Promise<readonly EntryOutcome[]> {
    const last = leafIndexes.reduce((max, leafIndex) => Math.max(max, leafIndex), -1);
    const edge = await this.newest.readableTo(last + 1);
    return this.#entries.read(leafIndexes, edge, signal);
  }

  /** The log's size once it is above `size`, or when the signal aborts. Rejects when the log cannot grow any more. */
  async grownBeyond(size: number, signal: AbortSignal): Promise<number> {
    while (this.newest.toldSize <= size && !signal.aborted) await this.#growth.next(signal);
    return this.newest.toldSize;
  }

  /** Tells those who wait for the log to grow that they wait in vain, and looks at the store no more by itself. */
  endTails(): void {
    this.#guard.close();
    this.#growth.fail(new AuditError("UNAVAILABLE", "The service is closing: try again.", { retryAfterMs: 1_000 }));
  }

  /** Resolves when nothing that was accepted is still on its way into the store. */
  async idle(): Promise<void> {
    if (this.newest.seen !== undefined) await this.newest.sequencer.idle();
  }

  #receipt({ firstIndex, entries, tree }: Appended): Logged {
    return {
      entries: entries.map((entry, place) => entryOf(this.source, firstIndex + place, entry)),
      root: this.#roots.of(tree),
    };
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

  async #newestEntries(leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    return this.#entries.read(leafIndexes, this.newest.readable);
  }

  #timeIn(leafIndex: number, outcome: EntryOutcome | undefined): string {
    if (outcome?.kind === "entry") return outcome.entry.envelope.received_at;
    throw new AuditError(
      "ENTRY_CORRUPT",
      `Entry ${leafIndex} of the log ${this.log}, whose time is needed, was changed.`,
    );
  }
}
