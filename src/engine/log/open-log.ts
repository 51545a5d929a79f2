import { alarmCodeOf } from "../../audit/alarm.js";
import type { CheckedEvent } from "../../audit/checked-request.js";
import { AuditError } from "../../audit/errors.js";
import type { LogDeclaration } from "../../audit/log-declaration.js";
import type { MembershipRequest, ProofRequest } from "../../audit/proofs.js";
import type { EntryOutcome, Logged, Root } from "../../audit/service.js";
import { requireLeafIndexes, requireOrdered, requirePastSize, requireSize } from "../../audit/tree-size.js";
import type { EventRules, FieldName } from "../../core/event.js";
import { eventRules } from "../../core/event-rules.js";
import { customNames, type EventSchema } from "../../core/event-schema.js";
import type { LogFormat } from "../../core/format.js";
import { schemaRules } from "../../core/schema-event.js";
import type { ConsistencyProof, MembershipProof } from "../../core/proof.js";
import { unknown, VALID, type Verdict } from "../../core/verdict.js";
import type { LogKey } from "../../keys/log-key.js";
import { CachedRoots } from "../tree/cached-roots.js";
import type { ReadOptions } from "../tree/entries.js";
import { entryOf } from "../tree/stamped-entry.js";
import { History } from "../tree/history.js";
import type { SignedTree, TreeSource } from "../tree/signed-tree.js";
import { TreeReaders } from "../tree/prover.js";
import { GrowthWatch, TreeReading } from "./log-tree.js";
import { KeyedAppends } from "./keyed-appends.js";
import { NewestTree } from "./newest-tree.js";
import type { Appended, RequestKey } from "./batch.js";
import { restoreLog, type LogEnvironment } from "./restored-log.js";

/** What an open log is made of. */
interface Parts {
  readonly source: TreeSource;
  readonly rules: EventRules;
  readonly schema: EventSchema | undefined;
  readonly customFields: readonly FieldName[];
  readonly history: History;
  readonly readers: TreeReaders;
  readonly roots: CachedRoots;
  readonly growth: GrowthWatch;
  /** Ends the hints of what other gateways put; undefined where there are none. */
  readonly stopHints: (() => void) | undefined;
  readonly newest: NewestTree;
  readonly keyed: KeyedAppends;
  readonly reading: TreeReading;
}

/** One log, open. Each question is answered from its newest signed tree. */
export class OpenLog {
  /** Like restoreLog: a log that cannot be trusted is opened for reading, and raises the alarm. */
  static async open(environment: LogEnvironment, declaration: LogDeclaration): Promise<OpenLog> {
    const { source, tree } = await restoreLog(environment, declaration);
    const { cache, keyring, alarm, note, sharedStore, behindPatienceMs: patienceMs } = environment;
    const growth = new GrowthWatch();
    const readers = new TreeReaders(source);
    const history = new History({
      ...{ source, patienceMs },
      onBroken: (error) => {
        alarm(error.message, alarmCodeOf(error) ?? "LOG_CORRUPT");
        growth.fail(error);
      },
      onMended: () => {
        note(`The log ${source.log} holds everything that was signed again: it can be written.`);
      },
    });
    const roots = new CachedRoots({ source, cache, history, secret: keyring.tokenSecret });
    const newest = NewestTree.watched({ source, tree, environment, history, readers, roots, growth });
    const reading = new TreeReading({ source, look: () => newest.look(), readers, history, sharedStore });
    const keyed = new KeyedAppends({ source, newest, reading, roots });
    const hinted = (treeSize: number): void => {
      if (newest.seen !== undefined && treeSize > newest.toldSize) growth.hint();
    };
    const stopHints = sharedStore ? cache.onNewest(source.log, hinted) : undefined;
    const { format, maxValueBytes, schema } = declaration;
    const rules = schema === undefined ? eventRules(format, maxValueBytes) : schemaRules(schema);
    const declared = { source, rules, schema, customFields: customNames(schema) };
    const log = new OpenLog({ ...declared, history, readers, roots, growth, stopHints, newest, keyed, reading });
    try {
      await roots.compare(newest.seen);
    } catch (error) {
      log.endTails();
      throw error;
    }
    return log;
  }

  readonly #underWay = new Set<Promise<Logged>>();

  private constructor(private readonly parts: Parts) {}

  get log(): string {
    return this.parts.source.log;
  }

  get format(): LogFormat {
    return this.parts.source.format;
  }

  get key(): LogKey {
    return this.parts.source.key;
  }

  /** The rules for events that this gateway accepts into the log. */
  get rules(): EventRules {
    return this.parts.rules;
  }

  /** The fields that its schema adds. */
  get customFields(): readonly FieldName[] {
    return this.parts.customFields;
  }

  /** The schema of its events, if they have other fields than the standard ones. */
  get schema(): EventSchema | undefined {
    return this.parts.schema;
  }

  /** Why the log accepts no entries now. */
  get obstacle(): AuditError | undefined {
    return this.parts.history.obstacle;
  }

  /** Rejects like Sequencer.append and KeyedAppends.append. */
  async append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Logged> {
    const appended = this.#append(events, requestKey);
    this.#underWay.add(appended);
    try {
      return await appended;
    } finally {
      this.#underWay.delete(appended);
    }
  }

  /** The result of the request with this key. */
  async receiptUnder(key: Uint8Array): Promise<Logged | undefined> {
    const [receipt] = await this.parts.source.store.receipts(this.log, [key]);
    return receipt && this.parts.keyed.recall(receipt);
  }

  /** The number of entries, for a search. Rejects like NewestTree.size. */
  size(): Promise<number> {
    return this.parts.newest.size();
  }

  /** See NewestTree.replacements; call it after any call that reads the store. */
  get history(): number {
    return this.parts.newest.replacements;
  }

  /** The number of entries, for a follower of the log. Rejects like NewestTree.tree. */
  async durableSize(): Promise<number> {
    return (await this.parts.newest.tree()).edge.size;
  }

  /**
   * For each time, the first leaf index below `size` whose entry was received at or after it; `size` if there is none.
   */
  firstAtOrAfter(times: readonly string[], size: number): Promise<readonly number[]> {
    const hint = (time: string): Promise<number> => this.parts.source.store.firstAtOrAfter(this.log, time, size);
    return this.#upTo(size, (readers, { edge }) => readers.firstAtOrAfter({ times, size, hint }, edge));
  }

  /** When these entries of the tree of a size were received. Rejects with ENTRY_CORRUPT when one was changed. */
  receivedAt(leafIndexes: readonly number[], size: number): Promise<readonly string[]> {
    return this.#upTo(size, (readers, { edge }) => readers.receivedAt(leafIndexes, edge));
  }

  /** The newest root, or that of an earlier size. Rejects like NewestTree.published, and like requirePastSize. */
  async root(treeSize?: number): Promise<Root> {
    const { roots, newest, reading } = this.parts;
    if (treeSize === undefined) return roots.of(await newest.published());
    return reading.of({
      locate: async () => {
        const tree = await newest.reaching(treeSize);
        requirePastSize({ path: "treeSize", value: treeSize }, this.log, tree.edge.size);
        return tree;
      },
      read: (readers, tree) => roots.at(tree, treeSize, readers),
    });
  }

  /** Rejects like NewestTree.reaching, requireSize and requireLeafIndexes. */
  async membershipProofs(treeSize: number, leafIndexes: readonly number[]): Promise<readonly MembershipProof[]> {
    return this.#ofLeaves({ treeSize, leafIndexes }, (readers, tree) =>
      readers.prover.membership(tree, treeSize, leafIndexes),
    );
  }

  /** Whether each hash is the leaf at its index in the tree of a size. Rejects like membershipProofs. */
  async membershipVerdicts(wanted: Omit<MembershipRequest, "log">): Promise<readonly Verdict[]> {
    return this.#ofLeaves(wanted, (readers, tree) => readers.membershipVerdicts(tree, wanted));
  }

  /**
   * The hashes that lead from several leaves, in ascending order, to the root of a size. Rejects like membershipProofs.
   */
  async multiproof(treeSize: number, leafIndexes: readonly number[]): Promise<readonly Uint8Array[]> {
    return this.#ofLeaves({ treeSize, leafIndexes }, (readers, tree) =>
      readers.prover.multiproof(tree, treeSize, leafIndexes),
    );
  }

  /** Rejects like NewestTree.reaching, requireSize and requireOrdered. */
  async consistencyProof(fromSize: number, toSize: number): Promise<ConsistencyProof> {
    return this.parts.reading.of({
      locate: async () => {
        const tree = await this.parts.newest.reaching(Math.max(fromSize, toSize));
        requireSize({ path: "fromSize", value: fromSize }, this.log, tree.edge.size);
        requireSize({ path: "toSize", value: toSize }, this.log, tree.edge.size);
        requireOrdered(fromSize, toSize);
        return tree;
      },
      read: (readers, tree) => readers.prover.consistency(tree, fromSize, toSize),
    });
  }

  /** Whether the root of a size is a prefix of the newest tree. Rejects like membershipProofs. */
  async consistency(treeSize: number): Promise<Verdict> {
    if (treeSize === 0) return unknown("EMPTY_TREE");
    await this.parts.reading.of({
      locate: () => this.#treeOf(treeSize),
      read: (readers, tree) => readers.prover.rootHash(tree, treeSize),
    });
    return VALID;
  }

  async entries(leafIndexes: readonly number[], options: ReadOptions = {}): Promise<readonly EntryOutcome[]> {
    const last = leafIndexes.reduce((max, leafIndex) => Math.max(max, leafIndex), -1);
    return this.parts.reading.of({
      locate: async () => ({ edge: await this.parts.newest.readableTo(last + 1) }),
      read: (readers, { edge }) => readers.entries.read(leafIndexes, edge, options),
      isDamaged: (outcomes) => outcomes.some(({ kind }) => kind === "corrupt"),
    });
  }

  /**
   * Returns the log's size once it is above `size`, or when the signal aborts. Rejects when the log can no longer grow.
   */
  async grownBeyond(size: number, signal: AbortSignal): Promise<number> {
    const { newest, growth } = this.parts;
    while (newest.toldSize <= size && !signal.aborted) await growth.next(signal);
    return newest.toldSize;
  }

  /** Ends every wait for the log to grow, and stops reading the store on its own. */
  endTails(): void {
    const { history, growth, stopHints } = this.parts;
    history.close();
    stopHints?.();
    growth.fail(new AuditError("UNAVAILABLE", "The service is closing: try again.", { retryAfterMs: 1_000 }));
  }

  /** Resolves when nothing that was accepted is still on its way to the store. */
  async idle(): Promise<void> {
    do await Promise.allSettled(this.#underWay);
    while (this.#underWay.size > 0);
  }

  async #append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Logged> {
    const { newest, roots, history, keyed } = this.parts;
    const { sequencer } = newest;
    await roots.compare(newest.seen); // before anything is signed: afterwards there would be a second history
    if (history.isTrusted && !history.isClear) await sequencer.refresh(); // it may have caught up this moment
    const outcome = await (requestKey === undefined ? sequencer.append(events) : keyed.append(events, requestKey));
    return outcome.kind === "appended" ? this.#receipt(outcome) : keyed.recall(outcome.receipt);
  }

  #receipt({ firstIndex, entries, tree }: Appended): Logged {
    const { source, roots } = this.parts;
    return {
      entries: entries.map((entry, place) => entryOf(source, firstIndex + place, entry)),
      root: roots.of(tree),
    };
  }

  #upTo<T>(size: number, read: (readers: TreeReaders, tree: Pick<SignedTree, "edge">) => Promise<T>): Promise<T> {
    return this.parts.reading.of({ locate: async () => ({ edge: await this.parts.newest.readableTo(size) }), read });
  }

  async #ofLeaves<T>(
    { treeSize, leafIndexes }: Omit<ProofRequest, "log">,
    read: (readers: TreeReaders, tree: SignedTree) => Promise<T>,
  ): Promise<T> {
    const locate = async (): Promise<SignedTree> => {
      const tree = await this.#treeOf(treeSize);
      requireLeafIndexes(leafIndexes, treeSize);
      return tree;
    };
    return this.parts.reading.of({ locate, read });
  }

  async #treeOf(treeSize: number): Promise<SignedTree> {
    const tree = await this.parts.newest.reaching(treeSize);
    requireSize({ path: "treeSize", value: treeSize }, this.log, tree.edge.size);
    return tree;
  }
}
