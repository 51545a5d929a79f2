import { AuditError } from "../audit/errors.js";
import { boundOf, holdsAny, type Principal, type Scope } from "../audit/principal.js";
import type {
  AuditService,
  BulkRequest,
  Download,
  DownloadRequest,
  EntryOutcome,
  LogRequest,
  PageRequest,
  ProofRequest,
  Receipt,
  ResultOptions,
  ResultPage,
  Root,
  SearchRequest,
  TailRequest,
  TreeEntry,
} from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { LogFormat } from "../core/format.js";
import type { JsonObject } from "../core/json.js";
import type { ConsistencyProof, MembershipProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import { restrictionAllows, type Restriction } from "../query/restriction.js";
import { inTenantsName } from "./bound-events.js";
import type { Read, ReadLog, RecordRead } from "./disclosure-log.js";
import { keyOwnerOf } from "./key-owner.js";
import { ShownLeaves } from "./shown-leaves.js";

export interface ScopeOptions {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called with the number of events before they are logged; throws to refuse them. */
  readonly admitEvents?: (count: number) => void;
  /** Records what is about to be shown; what it rejects is not shown. */
  readonly readLog?: ReadLog;
}

/**
 * The audit service as one principal may use it: the one place where every door (GraphQL, REST, downloads, streams) is
 * authorised. Made anew for each request, for it remembers what it showed. What the principal may not see is answered
 * as what does not exist; sizes, roots and consistency proofs are hashes and counts of the whole log, for every reader.
 * Rejects FORBIDDEN without the scope and UNAUTHENTICATED once the credential has expired, before anything is done.
 */
export class ScopedService implements AuditService {
  private readonly bound: Restriction | undefined;
  private readonly shown = new ShownLeaves();
  private readonly recorded = new ShownLeaves();
  private readonly recordRead: RecordRead | undefined;

  constructor(
    private readonly service: AuditService,
    private readonly options: ScopeOptions,
  ) {
    this.bound = boundOf(options.principal);
    this.recordRead = options.readLog?.recorder(options.principal);
  }

  async format(log: string): Promise<LogFormat> {
    this.require("audit:read", "audit:log");
    return this.service.format(log);
  }

  async verifierKey(log: string): Promise<string> {
    this.require("audit:read", "audit:log");
    return this.service.verifierKey(log);
  }

  /** Whoever logged an entry may see its receipt, proofs included, within the request, and nothing else by it. */
  async append(request: LogRequest): Promise<Receipt> {
    const own = this.admitted(request);
    return this.ownReceipt(await this.service.append(own));
  }

  async appendLater(request: LogRequest): Promise<BulkRequest> {
    const own = this.admitted(request);
    return this.shownBulk(await this.service.appendLater(own));
  }

  async bulkRequest(id: string): Promise<BulkRequest | undefined> {
    this.require("audit:log", "audit:read");
    const request = await this.service.bulkRequest(id, keyOwnerOf(this.options.principal));
    return request !== undefined && this.isOfTenant(request) ? this.shownBulk(request) : undefined;
  }

  async search(request: SearchRequest, page: PageRequest, signal?: AbortSignal): Promise<ResultPage> {
    this.require("audit:read");
    const bound = this.bound === undefined ? request : { ...request, bound: this.bound };
    const found = await this.service.search(bound, page, signal);
    const { query, window = {}, restriction = {} } = request;
    return this.listed("search", found, { query, window: { ...window }, restriction: { ...restriction } });
  }

  async results(id: string, page: PageRequest, { signal }: ResultOptions = {}): Promise<ResultPage> {
    this.require("audit:read");
    const { bound } = this;
    const options = { ...(signal && { signal }), ...(bound && { bound }) };
    return this.listed("results", await this.service.results(id, page, options), { id });
  }

  /** As with a tail, nothing that its pages show is remembered. */
  async download(request: DownloadRequest): Promise<Download> {
    this.require("audit:read");
    const { bound } = this;
    const download = await this.service.download({ ...request, ...(bound !== undefined && { bound }) });
    return { ...download, pages: (signal) => this.pagesWhileAllowed(download.log, download.pages(signal)) };
  }

  /** What it shows is not remembered, for it may be all that is ever logged. */
  async tail(request: TailRequest, signal: AbortSignal): Promise<AsyncIterable<EntryOutcome>> {
    this.require("audit:read");
    const bound = this.bound === undefined ? request : { ...request, bound: this.bound };
    return this.whileAllowed(request.log, await this.service.tail(bound, signal));
  }

  async root(log: string, treeSize?: number): Promise<Root> {
    if (!this.shown.hasRoot(log, treeSize)) this.require("audit:read");
    return this.service.root(log, treeSize);
  }

  async entries(log: string, leafIndexes: readonly number[], signal?: AbortSignal): Promise<readonly EntryOutcome[]> {
    if (!this.shown.hasAll(log, leafIndexes)) this.require("audit:read");
    const read = await this.service.entries(log, leafIndexes, signal);
    const outcomes = read.map((outcome) => this.visible(log, outcome));
    await this.recordShown("entries", log, outcomes);
    return outcomes;
  }

  async entryByHash(log: string, hash: Digest): Promise<EntryOutcome> {
    this.require("audit:read");
    const outcome = this.visible(log, await this.service.entryByHash(log, hash));
    await this.recordShown("entry by hash", log, [outcome]);
    return outcome;
  }

  /** A proof carries its leaf's hash, by which a guess at a hidden entry's content could be confirmed. */
  async membershipProofs(request: ProofRequest): Promise<readonly MembershipProof[]> {
    const { log, leafIndexes } = request;
    if (!this.shown.hasAll(log, leafIndexes)) this.require("audit:read");
    if (!this.seesEverything) await this.requireVisible(log, leafIndexes);
    return this.service.membershipProofs(request);
  }

  async consistencyProof(log: string, fromSize: number, toSize: number): Promise<ConsistencyProof> {
    this.require("audit:read");
    return this.service.consistencyProof(log, fromSize, toSize);
  }

  async consistency(log: string, treeSize: number): Promise<Verdict> {
    if (!this.shown.hasRoot(log, treeSize)) this.require("audit:read");
    return this.service.consistency(log, treeSize);
  }

  async checkpointVerdict(root: Root): Promise<Verdict> {
    this.require("audit:read", "audit:log");
    return this.service.checkpointVerdict(root);
  }

  /** A view owns nothing: the service behind it stays open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *whileAllowed(log: string, shown: AsyncIterable<EntryOutcome>): AsyncGenerator<EntryOutcome> {
    for await (const outcome of shown) {
      this.require("audit:read");
      await this.recordShown("tail", log, [outcome]);
      yield outcome;
    }
  }

  private async *pagesWhileAllowed(
    log: string,
    pages: AsyncIterable<readonly TreeEntry[]>,
  ): AsyncGenerator<readonly TreeEntry[]> {
    for await (const page of pages) {
      this.require("audit:read");
      const shown = page.filter((outcome) => isWithin(this.bound, outcome));
      await this.recordShown("download", log, shown);
      yield shown;
    }
  }

  /** A page of a search, recorded once: the entries on it are read later, in the same request. */
  private async listed(kind: Read["kind"], page: ResultPage, asked: JsonObject): Promise<ResultPage> {
    const { log } = page.result;
    if (this.recordRead === undefined) return page;
    await this.recordRead({ kind, log, leafIndexes: page.leafIndexes, asked });
    this.recorded.addLeaves(log, page.leafIndexes);
    return page;
  }

  /** Records entries that no page of this request has listed; receipts of its own events are no reading. */
  private async recordShown(kind: Read["kind"], log: string, outcomes: readonly EntryOutcome[]): Promise<void> {
    if (this.recordRead === undefined) return;
    const shown = outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry.leafIndex] : []));
    const leafIndexes = shown.filter((leafIndex) => !this.recorded.hasAll(log, [leafIndex]));
    if (leafIndexes.length === 0) return;
    await this.recordRead({ kind, log, leafIndexes });
    if (kind !== "tail" && kind !== "download") this.recorded.addLeaves(log, leafIndexes);
  }

  private get seesEverything(): boolean {
    return this.bound === undefined && holdsAny(this.options.principal, ["audit:read"]);
  }

  /** The request as this principal may make it. */
  private admitted(request: LogRequest): LogRequest {
    this.require("audit:log");
    this.requireOpen(request.log);
    this.options.admitEvents?.(request.events.length);
    const { principal } = this.options;
    const { tenant } = principal;
    const own = { ...request, keyOwner: keyOwnerOf(principal) };
    return tenant === undefined ? own : inTenantsName(own, tenant);
  }

  /** Of what a key logged before its tenant was changed in the key file it is shown nothing. */
  private isOfTenant(request: BulkRequest): boolean {
    const { tenant } = this.options.principal;
    if (request.kind !== "done" || tenant === undefined) return true;
    return request.receipt.entries.every(({ envelope }) => envelope.event.tenant_id === tenant);
  }

  private shownBulk(request: BulkRequest): BulkRequest {
    if (request.kind === "done") this.ownReceipt(request.receipt);
    return request;
  }

  private ownReceipt(receipt: Receipt): Receipt {
    if (!this.seesEverything) this.shown.addReceipt(receipt);
    if (this.recordRead !== undefined) this.recorded.addReceipt(receipt);
    return receipt;
  }

  /** One of the scopes is enough. */
  private require(...scopes: readonly Scope[]): void {
    const { principal, now } = this.options;
    const expired = principal.expiresAtMs !== undefined && now() >= principal.expiresAtMs;
    if (expired) throw new AuditError("UNAUTHENTICATED", "the credential has expired");
    if (holdsAny(principal, scopes)) return;
    throw new AuditError("FORBIDDEN", `the credential lacks the scope ${scopes.join(" or ")}`);
  }

  private requireOpen(log: string): void {
    if (log !== this.options.readLog?.log) return;
    const message = `the log ${log} records who was shown what: the gateway alone logs there`;
    throw new AuditError("FORBIDDEN", message);
  }

  private visible(log: string, outcome: EntryOutcome): EntryOutcome {
    if (this.bound === undefined || outcome.kind === "missing") return outcome;
    const leafIndex = outcome.kind === "entry" ? outcome.entry.leafIndex : outcome.leafIndex;
    if (this.shown.hasAll(log, [leafIndex])) return outcome;
    if (!isWithin(this.bound, outcome)) return MISSING;
    this.shown.addLeaf(log, leafIndex);
    return outcome;
  }

  private async requireVisible(log: string, leafIndexes: readonly number[]): Promise<void> {
    const unseen = leafIndexes.filter((leafIndex) => !this.shown.hasAll(log, [leafIndex]));
    const outcomes = unseen.length === 0 ? [] : await this.entries(log, unseen);
    const hidden = unseen.filter((_, place) => outcomes[place]?.kind !== "entry");
    if (hidden.length === 0) return;
    throw new AuditError("NOT_FOUND", `the log ${log} has no entry at leaf index ${hidden.join(", ")}`);
  }
}

/** The bytes of a corrupt entry cannot be trusted to say whose it is, so only who sees everything is told of it. */
function isWithin(bound: Restriction | undefined, outcome: EntryOutcome): boolean {
  return bound === undefined || (outcome.kind === "entry" && restrictionAllows(bound, outcome.entry.envelope.event));
}

const MISSING: EntryOutcome = Object.freeze({ kind: "missing" });
