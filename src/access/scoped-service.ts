import { parseBulkId } from "../audit/bulk-id.js";
import { AuditError } from "../audit/errors.js";
import { boundOf, holdsAny, type Principal, type Scope } from "../audit/principal.js";
import type {
  CompletenessProof,
  CompletenessRequest,
  ConsistencyRequest,
  EntryProof,
  IndexRecords,
  IndexRecordsRequest,
  IndexRoot,
  MembershipRequest,
  ProofRequest,
} from "../audit/proofs.js";
import type { LogIdentity } from "../audit/log-identity.js";
import type {
  Asking,
  AuditService,
  BulkRequest,
  Download,
  DownloadRequest,
  EntryOutcome,
  FollowAsking,
  Logged,
  LogRequest,
  PageRequest,
  Receipt,
  ResultPage,
  Root,
  SearchRequest,
  TailRequest,
  TreeEntry,
} from "../audit/service.js";
import { digestOf, utf8, type Digest } from "../core/bytes.js";
import { canonicalJson } from "../core/json.js";
import type { ConsistencyProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import { restrictionAllows, type Restriction } from "../query/filter.js";
import { inTenantsName } from "./bound-events.js";
import { ShownLeaves } from "./shown-leaves.js";

export interface ScopeOptions {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called with the number of events before they are logged; throws to refuse them. */
  readonly admitEvents?: ((count: number) => void) | undefined;
  /** The log that only the gateway itself logs to. */
  readonly closedLog?: string | undefined;
}

/**
 * The audit service as one principal may use it: the one place that authorises every door (GraphQL, REST, downloads,
 * streams). Made for each request, because it remembers what it showed. What the principal may not see looks as if it
 * did not exist; sizes, roots and consistency proofs are hashes and counts of the whole log, for every reader. Rejects
 * with FORBIDDEN without the scope and with UNAUTHENTICATED once the credential has expired, before anything is done.
 */
export class ScopedService implements AuditService {
  private readonly bound: Restriction | undefined;
  /** Created with the first leaf that only this request may see; a caller who sees everything needs none. */
  private shown: ShownLeaves | undefined;
  private readonly owner: string;

  constructor(
    private readonly service: AuditService,
    private readonly options: ScopeOptions,
  ) {
    this.bound = boundOf(options.principal);
    this.owner = keyOwnerOf(options.principal);
  }

  async identity(log: string, asking?: Asking): Promise<LogIdentity> {
    this.require("audit:read", "audit:log");
    return this.service.identity(log, this.as(asking));
  }

  /**
   * The caller may see the receipt of what it logged, proofs included, within the request, and nothing else because of
   * it.
   */
  async append(request: LogRequest, asking?: Asking): Promise<Receipt> {
    const own = this.admitted(request);
    return this.ownReceipt(await this.service.append(own, this.as(asking)));
  }

  async appendLater(request: LogRequest, asking?: Asking): Promise<BulkRequest> {
    const own = this.admitted(request);
    return this.ownReceipt(await this.service.appendLater(own, this.as(asking)));
  }

  async bulkRequest(id: string, asking?: Asking): Promise<BulkRequest | undefined> {
    this.require("audit:log", "audit:read");
    // An id of an earlier version does not say whose request it is.
    if (parseBulkId(id)?.kind === "digest" && !this.seesEverything) return undefined;
    const request = await this.service.bulkRequest(id, this.as(asking));
    return request !== undefined && this.isOfTenant(request) ? this.ownReceipt(request) : undefined;
  }

  async search(request: SearchRequest, page: PageRequest, asking?: Asking): Promise<ResultPage> {
    this.require("audit:read");
    return this.shownPage(await this.service.search(request, page, this.as(asking)));
  }

  async results(id: string, page: PageRequest, asking?: Asking): Promise<ResultPage> {
    this.require("audit:read");
    return this.shownPage(await this.service.results(id, page, this.as(asking)));
  }

  /** Like a tail, it does not remember what its pages show. */
  async download(request: DownloadRequest, asking?: Asking): Promise<Download> {
    this.require("audit:read");
    const download = await this.service.download(request, this.as(asking));
    return { ...download, pages: (signal) => this.pagesWhileAllowed(download.pages(signal)) };
  }

  /** What it shows is not remembered, because it may show everything that is ever logged. */
  async tail(request: TailRequest, { signal }: FollowAsking): Promise<AsyncIterable<EntryOutcome>> {
    this.require("audit:read");
    return this.whileAllowed(await this.service.tail(request, { ...this.as(), signal }));
  }

  async root(log: string, treeSize?: number, asking?: Asking): Promise<Root> {
    if (this.shown?.hasRoot(log, treeSize) !== true) this.require("audit:read");
    return this.service.root(log, treeSize, this.as(asking));
  }

  async entries(log: string, leafIndexes: readonly number[], asking?: Asking): Promise<readonly EntryOutcome[]> {
    if (this.shown?.hasAll(log, leafIndexes) !== true) this.require("audit:read");
    const read = await this.service.entries(log, leafIndexes, this.as(asking));
    return read.map((outcome) => this.visible(log, outcome));
  }

  async entryByHash(log: string, hash: Digest, asking?: Asking): Promise<EntryOutcome> {
    this.require("audit:read");
    return this.visible(log, await this.service.entryByHash(log, hash, this.as(asking)));
  }

  async membershipProofs(request: ProofRequest, asking?: Asking): Promise<readonly EntryProof[]> {
    await this.requireShown(request, asking);
    return this.service.membershipProofs(request, this.as(asking));
  }

  async membershipVerdicts(request: MembershipRequest, asking?: Asking): Promise<readonly Verdict[]> {
    await this.requireShown(request, asking);
    return this.service.membershipVerdicts(request, this.as(asking));
  }

  async consistencyProof(request: ConsistencyRequest, asking?: Asking): Promise<ConsistencyProof> {
    this.require("audit:read");
    return this.service.consistencyProof(request, this.as(asking));
  }

  async consistency(log: string, treeSize: number, asking?: Asking): Promise<Verdict> {
    if (this.shown?.hasRoot(log, treeSize) !== true) this.require("audit:read");
    return this.service.consistency(log, treeSize, this.as(asking));
  }

  async indexRoot(log: string, treeSize: number, asking?: Asking): Promise<IndexRoot> {
    this.require("audit:read");
    return this.service.indexRoot(log, treeSize, this.as(asking));
  }

  /** A record's hashes could confirm a guess at what hidden entries say. */
  async indexRecords(request: IndexRecordsRequest, asking?: Asking): Promise<IndexRecords> {
    this.require("audit:read");
    if (!this.seesEverything) throw notPermitted();
    return this.service.indexRecords(request, this.as(asking));
  }

  /** A proof holds words, values and whole entries of others, so only who may see every entry gets one. */
  async completeness(request: CompletenessRequest, asking?: Asking): Promise<CompletenessProof> {
    this.require("audit:read");
    if (!this.seesEverything) throw notPermitted();
    return this.service.completeness(request, this.as(asking));
  }

  async checkpointVerdict(root: Root, asking?: Asking): Promise<Verdict> {
    this.require("audit:read", "audit:log");
    return this.service.checkpointVerdict(root, this.as(asking));
  }

  /** A view owns nothing: the underlying service stays open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *whileAllowed(shown: AsyncIterable<EntryOutcome>): AsyncGenerator<EntryOutcome> {
    for await (const outcome of shown) {
      this.require("audit:read");
      yield outcome;
    }
  }

  private async *pagesWhileAllowed(pages: AsyncIterable<readonly TreeEntry[]>): AsyncGenerator<readonly TreeEntry[]> {
    for await (const page of pages) {
      this.require("audit:read");
      yield page.filter((outcome) => isWithin(this.bound, outcome));
    }
  }

  /** Whatever the caller passes, the asking principal is this one. */
  private as(asking?: Asking): Asking {
    return { signal: asking?.signal, bound: this.bound, owner: this.owner };
  }

  private get seesEverything(): boolean {
    return this.bound === undefined && holdsAny(this.options.principal, ["audit:read"]);
  }

  /** The request as this principal may make it. */
  private admitted(request: LogRequest): LogRequest {
    this.require("audit:log");
    const { closedLog, admitEvents, principal } = this.options;
    if (request.log === closedLog)
      throw new AuditError(
        "FORBIDDEN",
        `The log ${closedLog} records who was shown what: only the gateway logs there.`,
      );
    admitEvents?.(request.events.length);
    const { tenant } = principal;
    return tenant === undefined ? request : inTenantsName(request, tenant);
  }

  /** Requests that a key made before its tenant changed in the key file are hidden from it. */
  private isOfTenant(request: BulkRequest): boolean {
    const { tenant } = this.options.principal;
    return tenant === undefined || request.logged.entries.every(({ envelope }) => envelope.event.tenant_id === tenant);
  }

  /** Entries that came with a page are shown like those that are read. */
  private shownPage(page: ResultPage): ResultPage {
    if (page.entries === undefined) return page;
    return { ...page, entries: page.entries.map((outcome) => this.visible(page.result.log, outcome)) };
  }

  private ownReceipt<T extends Logged | BulkRequest>(receipt: T): T {
    const shown: Logged | BulkRequest = receipt;
    const logged = "logged" in shown ? shown.logged : shown;
    if (!this.seesEverything) (this.shown ??= new ShownLeaves()).addReceipt(logged);
    return receipt;
  }

  /** Any one of the scopes suffices. */
  private require(...scopes: readonly Scope[]): void {
    const { principal, now } = this.options;
    const expired = principal.expiresAtMs !== undefined && now() >= principal.expiresAtMs;
    if (expired) throw new AuditError("UNAUTHENTICATED", "The credential has expired: get a new one.");
    if (holdsAny(principal, scopes)) return;
    throw new AuditError("FORBIDDEN", `The credential lacks the scope ${scopes.join(" or ")}: use one that has it.`);
  }

  private visible(log: string, outcome: EntryOutcome): EntryOutcome {
    if (this.bound === undefined || outcome.kind === "missing") return outcome;
    const leafIndex = outcome.kind === "entry" ? outcome.entry.leafIndex : outcome.leafIndex;
    if (this.shown?.hasAll(log, [leafIndex]) === true) return outcome;
    if (!isWithin(this.bound, outcome)) return { kind: "missing" };
    (this.shown ??= new ShownLeaves()).addLeaf(log, leafIndex);
    return outcome;
  }

  /** A proof has its leaf's hash, and a verdict is about one: both could confirm a guess at a hidden entry's content. */
  private async requireShown({ log, leafIndexes }: ProofRequest, asking?: Asking): Promise<void> {
    if (this.shown?.hasAll(log, leafIndexes) !== true) this.require("audit:read");
    if (this.seesEverything) return;
    const unseen = leafIndexes.filter((leafIndex) => this.shown?.hasAll(log, [leafIndex]) !== true);
    const outcomes = unseen.length === 0 ? [] : await this.entries(log, unseen, asking);
    const hidden = unseen.filter((_, place) => outcomes[place]?.kind !== "entry");
    if (hidden.length === 0) return;
    throw new AuditError("NOT_FOUND", `The log ${log} has no entry at leaf index ${hidden.join(", ")}.`);
  }
}

function notPermitted(): AuditError {
  const message =
    "A proof of completeness shows words and entries of the whole log, and this credential may see a part of it: use one without a restriction.";
  return new AuditError("PROOF_NOT_PERMITTED", message);
}

/** A corrupt entry's bytes cannot be trusted to say whose it is, so it is shown only to callers without a bound. */
function isWithin(bound: Restriction | undefined, outcome: EntryOutcome): boolean {
  return bound === undefined || (outcome.kind === "entry" && restrictionAllows(bound, outcome.entry.envelope.event));
}

/**
 * The owner of a principal's idempotency keys and bulk requests. An API key's limits never change, so its id suffices.
 * An issuer may give one subject tokens for different tenants: each is a separate owner.
 */
export function keyOwnerOf({ id, kind, tenant, restriction }: Principal): string {
  const isBound = tenant !== undefined || restriction !== undefined;
  if (kind !== "jwt" || !isBound) return id;
  const bounds = canonicalJson([id, tenant ?? null, restriction === undefined ? null : inOrder(restriction)]);
  return `bound:${digestOf(nodeSha256(utf8(bounds)))}`;
}

/** Issuers do not promise an order for the values that they list. */
function inOrder(restriction: Restriction): Record<string, readonly string[]> {
  const fields = Object.entries(restriction).map(([field, values]) => [field, [...values].sort()] as const);
  return Object.fromEntries(fields);
}
