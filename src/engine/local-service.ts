import { randomUUID } from "node:crypto";
import type { Alarm } from "../audit/alarm.js";
import { bulkId, parseBulkId } from "../audit/bulk-id.js";
import type { RootCache } from "../audit/cache.js";
import { checkRequest, type AcceptedEvent, type CheckedEvent, type EventSigner } from "../audit/checked-request.js";
import { systemClock, type Clock } from "../audit/clock.js";
import { AuditError } from "../audit/errors.js";
import { outcomeKnown } from "../audit/calls.js";
import type { LogDeclaration } from "../audit/log-declaration.js";
import { RESULT_TTL_MS } from "../audit/retention.js";
import type { SearchIndex } from "../audit/search-index.js";
import type {
  CompletenessProof,
  CompletenessRequest,
  ConsistencyRequest,
  IndexRecords,
  IndexRecordsRequest,
  IndexRoot,
  MembershipRequest,
  ProofRequest,
} from "../audit/proofs.js";
import type { LogIdentity } from "../audit/log-identity.js";
import type {
  Asking,
  BulkRequest,
  Download,
  DownloadRequest,
  EntryOutcome,
  FollowAsking,
  LogRequest,
  PageRequest,
  Receipt,
  ResultPage,
  Root,
  SearchRequest,
  TailRequest,
} from "../audit/service.js";
import type { LogStore } from "../audit/store.js";
import { requireLeafIndexes } from "../audit/tree-size.js";
import { digestBytes, type Digest } from "../core/bytes.js";
import type { ConsistencyProof, MembershipProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import type { Keyring } from "../keys/keyring.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import { TokenSealer } from "../keys/sealed-token.js";
import { BulkLane, type AppendLane, type BulkLimits } from "./bulk/bulk-lane.js";
import type { LocalAuditService } from "./log-health.js";
import { OpenLog } from "./log/open-log.js";
import { keyOf, requestKeyOf } from "./log/keyed-appends.js";
import type { QueueLimits } from "./log/batch.js";
import { checkTail, tailLog, type TailedLog } from "./log/tail.js";
import { indexRootOf, provenComplete, provenRecords } from "./completeness.js";
import { PinnedSearches } from "./search/pinned-searches.js";

export interface LocalServiceOptions {
  readonly store: LogStore;
  readonly index: SearchIndex;
  readonly cache: RootCache;
  readonly keyring: Keyring;
  /** The logs to keep; missing ones are created. */
  readonly logs: readonly LogDeclaration[];
  /** The deployment's name in checkpoints, such as `localhost/auditql`: no blanks, no `+`. */
  readonly origin: string;
  readonly clock?: Clock;
  /** Whether other gateways write to the same store. Default false. */
  readonly sharedStore?: boolean;
  /** Default RESULT_TTL_MS. */
  readonly resultTtlMs?: number;
  /** The time after which an append counts as one of unknown outcome. Default 30,000. */
  readonly appendTimeoutMs?: number;
  readonly queueLimits?: QueueLimits;
  /** How many bulk requests of a log are appended at once, and how much of them may wait. Default BULK_LIMITS. */
  readonly bulkLimits?: BulkLimits;
  /** Called about something that an operator must look at: a log that cannot be trusted. */
  readonly alarm?: Alarm;
  /** Called with a sentence when the reason for an alarm is gone. */
  readonly note?: (message: string) => void;
  /**
   * How long a store that is not a standby may be shorter than a signed root before that is ROOT_CONFLICT. Default
   * 5,000.
   */
  readonly behindPatienceMs?: number;
  /** Called with the number of a log's events that wait for the batch in flight, whenever it changes. */
  readonly onWaiting?: (log: string, events: number) => void;
}

/**
 * Opens our own engine over a store, an index and a cache, which the caller still has to close. Rejects with CONFLICT
 * when a log exists in another format than declared. A damaged log is opened for reading only.
 */
export async function openLocalService(options: LocalServiceOptions): Promise<LocalAuditService> {
  const { clock = systemClock(), sharedStore = false, alarm = ignore, note = ignore, queueLimits: limits } = options;
  const environment = { ...options, clock, sharedStore, alarm, note, limits };
  const logs = await Promise.all(options.logs.map((declaration) => OpenLog.open(environment, declaration)));
  for (const log of logs) options.index.follow(log.log, (leafIndexes, signal) => log.entries(leafIndexes, { signal }));
  return new LocalService({ ...options, clock }, logs);
}

function eventsOf(accepted: readonly AcceptedEvent[]): readonly CheckedEvent[] {
  return accepted.map(({ checked }) => checked);
}

function ignore(): void {
  // without an alarm, an embedder sees the errors themselves
}

interface OpenedLog {
  readonly log: OpenLog;
  readonly bulk: BulkLane;
}

class LocalService implements LocalAuditService {
  readonly #logs: ReadonlyMap<string, OpenedLog>;
  readonly #searches: PinnedSearches;
  readonly #index: SearchIndex;
  /**
   * Logs that were searched since what they were logged was last read ahead: after a search another one is likely, and need not read it. Once for
   * each, so that a log that is hardly searched is not read twice.
   */
  readonly #searched = new Set<string>();
  readonly #signer: EventSigner;

  constructor(options: LocalServiceOptions & { readonly clock: Clock }, logs: readonly OpenLog[]) {
    const { index, keyring, clock, resultTtlMs = RESULT_TTL_MS } = options;
    const sealer = new TokenSealer(keyring.tokenSecret);
    const opened = new Map(logs.map((log) => [log.log, { log, bulk: new BulkLane(log, options.bulkLimits) }]));
    const find = (name: string): OpenLog => openedIn(opened, name).log;
    this.#logs = opened;
    this.#searches = new PinnedSearches({
      ...{ index, sealer, clock, ttlMs: resultTtlMs, alarm: options.alarm ?? ignore },
      firstAtOrAfter: (name, times, size) => find(name).firstAtOrAfter(times, size),
      receivedAt: (name, leafIndexes, size) => find(name).receivedAt(leafIndexes, size),
      customFields: (name) => find(name).customFields,
    });
    this.#index = index;
    this.#signer = { seed: keyring.eventSeed, ed25519: nodeEd25519() };
  }

  async identity(name: string): Promise<LogIdentity> {
    const { format, key, schema } = this.#log(name);
    return Promise.resolve({ format, origin: key.origin, verifierKey: key.verifierKey, ...(schema && { schema }) });
  }

  async append(request: LogRequest, asking: Asking = {}): Promise<Receipt> {
    return this.#append(request, asking, ({ log }) => log);
  }

  async appendLater(request: LogRequest, asking: Asking = {}): Promise<BulkRequest> {
    const { idempotencyKey = `bulk:${randomUUID()}` } = request;
    const keyed = { isNewKey: request.idempotencyKey === undefined, ...request, idempotencyKey };
    const { refused, ...logged } = await this.#append(keyed, asking, ({ bulk }) => bulk);
    return { id: bulkId(request.log, idempotencyKey), logged, refused };
  }

  async bulkRequest(id: string, { owner }: Asking = {}): Promise<BulkRequest | undefined> {
    const name = parseBulkId(id);
    if (name === undefined) return undefined;
    const key = name.kind === "key" ? keyOf(owner, name.idempotencyKey) : digestBytes(name.digest);
    const logged = await this.#logs.get(name.log)?.log.receiptUnder(key);
    return logged && { id, logged, refused: undefined };
  }

  async search(request: SearchRequest, page: PageRequest, { bound, signal }: Asking = {}): Promise<ResultPage> {
    const log = this.#log(request.log);
    const newestSize = await log.size();
    this.#searched.add(request.log);
    return this.#searches.search(request, page, { newestSize, history: log.history, bound, signal });
  }

  async results(id: string, page: PageRequest, asking: Asking = {}): Promise<ResultPage> {
    return this.#searches.results(id, page, asking);
  }

  async download(request: DownloadRequest, { bound }: Asking = {}): Promise<Download> {
    return this.#searches.download(request, bound, (name) => {
      const log = this.#log(name);
      return (leafIndexes) => log.entries(leafIndexes);
    });
  }

  async tail(request: TailRequest, { bound, signal }: FollowAsking): Promise<AsyncIterable<EntryOutcome>> {
    const log = this.#log(request.log);
    const tailed: TailedLog = {
      grownBeyond: (size, until) => log.grownBeyond(size, until),
      entries: (leafIndexes) => log.entries(leafIndexes),
      isMatch: (filter, entry) => this.#index.isMatch(filter, entry, signal),
    };
    return tailLog(tailed, { ...checkTail(request, await log.durableSize(), log.customFields), bound }, signal);
  }

  async root(log: string, treeSize?: number): Promise<Root> {
    return this.#log(log).root(treeSize);
  }

  async entries(
    name: string,
    leafIndexes: readonly number[],
    { signal }: Asking = {},
  ): Promise<readonly EntryOutcome[]> {
    requireLeafIndexes(leafIndexes);
    return this.#log(name).entries(leafIndexes, { signal, isShown: true });
  }

  async entryByHash(name: string, hash: Digest): Promise<EntryOutcome> {
    const log = this.#log(name);
    const size = await log.size();
    const found = await this.#index.leavesByHash(name, digestBytes(hash), size);
    const outcomes = await log.entries(found);
    const isIt = (outcome: EntryOutcome): boolean => outcome.kind !== "entry" || outcome.entry.hash === hash;
    return outcomes.find(isIt) ?? { kind: "missing" };
  }

  async membershipProofs({ log, treeSize, leafIndexes }: ProofRequest): Promise<readonly MembershipProof[]> {
    return this.#log(log).membershipProofs(treeSize, leafIndexes);
  }

  async membershipVerdicts({ log, ...wanted }: MembershipRequest): Promise<readonly Verdict[]> {
    return this.#log(log).membershipVerdicts(wanted);
  }

  async consistencyProof({ log, fromSize, toSize }: ConsistencyRequest): Promise<ConsistencyProof> {
    return this.#log(log).consistencyProof(fromSize, toSize);
  }

  async consistency(log: string, treeSize: number): Promise<Verdict> {
    return this.#log(log).consistency(treeSize);
  }

  async checkpointVerdict(root: Root): Promise<Verdict> {
    return Promise.resolve(this.#log(root.log).key.verdict(root.checkpoint, root));
  }

  async indexRoot(name: string, treeSize: number, { signal }: Asking = {}): Promise<IndexRoot> {
    const log = this.#log(name);
    await log.root(treeSize); // which it has, or says that it does not
    signal?.throwIfAborted();
    return indexRootOf(log, await this.#index.indexHead(name, treeSize));
  }

  async indexRecords(request: IndexRecordsRequest, { signal }: Asking = {}): Promise<IndexRecords> {
    const { log } = this.#log(request.root.log);
    signal?.throwIfAborted();
    return provenRecords(request, (size, range) => this.#index.indexRecords(log, size, range));
  }

  async completeness(request: CompletenessRequest, asking: Asking = {}): Promise<CompletenessProof> {
    const asked = await this.#searches.question(request, asking);
    const log = this.#log(asked.log);
    return provenComplete(log, { asked, page: request.of === "page" ? request.page : undefined }, (query) =>
      this.#index.prove(query, asking.signal),
    );
  }

  broken(name: string): AuditError | undefined {
    return this.#logs.get(name)?.log.obstacle;
  }

  /** Refuses the bulk requests that wait, ends every tail, and resolves when all other events are stored or refused. */
  async close(): Promise<void> {
    const opened = [...this.#logs.values()];
    for (const { log, bulk } of opened) {
      bulk.close();
      log.endTails();
    }
    await Promise.all(opened.map(({ log }) => log.idle()));
  }

  async #append(request: LogRequest, { owner }: Asking, lane: (opened: OpenedLog) => AppendLane): Promise<Receipt> {
    const opened = this.#opened(request.log);
    const { log } = opened;
    const checked = checkRequest(request, log, this.#signer);
    const { idempotencyKey } = request;
    const keyed = idempotencyKey === undefined ? undefined : { ...request, idempotencyKey, keyOwner: owner };
    const requestKey = keyed && requestKeyOf(keyed, checked, log.format);
    const logged = await outcomeKnown(lane(opened).append(eventsOf(checked.accepted), requestKey), "UNKNOWN");
    if (this.#searched.delete(log.log)) this.#index.prepare(log.log, logged.root.treeSize, log.history);
    return { ...logged, refused: checked.refused };
  }

  #log(name: string): OpenLog {
    return this.#opened(name).log;
  }

  #opened(name: string): OpenedLog {
    return openedIn(this.#logs, name);
  }
}

function openedIn(logs: ReadonlyMap<string, OpenedLog>, name: string): OpenedLog {
  const opened = logs.get(name);
  if (opened !== undefined) return opened;
  const known = [...logs.keys()].join(", ");
  throw new AuditError("NOT_FOUND", `There is no log ${JSON.stringify(name.slice(0, 64))}; the logs are: ${known}.`);
}
