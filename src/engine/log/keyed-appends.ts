import { outcomeKnown } from "../../audit/calls.js";
import type { CheckedEvent, CheckedRequest } from "../../audit/checked-request.js";
import { AuditError } from "../../audit/errors.js";
import type { Entry, EntryOutcome, Logged, LogRequest } from "../../audit/service.js";
import type { RequestReceipt } from "../../audit/store.js";
import { equalBytes, utf8 } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { canonicalJson, type Json } from "../../core/json.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import type { CachedRoots } from "../tree/cached-roots.js";
import type { TreeSource } from "../tree/signed-tree.js";
import type { Appended, Repeated, RequestKey } from "./batch.js";
import type { TreeReading } from "./log-tree.js";
import type { NewestTree } from "./newest-tree.js";
import { isPlaced, isSealedReceipt } from "./seals.js";

export interface KeyedAppendsOptions {
  readonly source: TreeSource;
  readonly newest: NewestTree;
  readonly reading: TreeReading;
  readonly roots: Pick<CachedRoots, "at">;
}

/**
 * Appends under idempotency keys: of several requests with one key, one is logged and all return its result. Within
 * this process they wait for each other; between gateways the store decides, because it accepts a key only once.
 */
export class KeyedAppends {
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(private readonly options: KeyedAppendsOptions) {}

  /**
   * Like Sequencer.append; also rejects with CONFLICT when the key was used for another request. A `repeated` result
   * was read from the store, so it may only be acknowledged once it is known to be durable.
   */
  async append(events: readonly CheckedEvent[], requestKey: RequestKey): Promise<Appended | Repeated> {
    const name = Buffer.from(requestKey.key).toString("latin1");
    for (let other = this.#underWay.get(name); other !== undefined; other = this.#underWay.get(name)) {
      await Promise.allSettled([other]);
    }
    const attempt = this.#appendUnlessRepeated(events, requestKey);
    this.#underWay.set(name, attempt);
    try {
      return await attempt;
    } finally {
      this.#underWay.delete(name);
    }
  }

  /**
   * The original result of a receipt's request: its entries, read back, and the root of its tree. Confirms that they
   * are durable, because being readable does not imply it. Rejects with ENTRY_CORRUPT when the receipt or an entry was
   * changed.
   */
  async recall(receipt: RequestReceipt): Promise<Logged> {
    const { source, newest, reading, roots } = this.options;
    const { sequencer, known } = newest;
    const { firstIndex, count, treeSize, seal } = receipt;
    if (seal !== undefined && !isSealedReceipt(source.key, receipt)) throw changedReceipt();
    if (treeSize > known.newest.edge.size) await sequencer.refresh();
    if (!isPlaced(receipt, known.newest.edge.size)) throw changedReceipt();
    await known.require(treeSize);
    const leafIndexes = Array.from({ length: count }, (_, place) => firstIndex + place);
    return reading.of({
      locate: () => newest.reaching(treeSize),
      read: async (readers, tree) => {
        const entries = (await readers.entries.read(leafIndexes, tree.edge)).map(requireGenuine);
        // One of an earlier version has no seal: it is believed as far as its entries show it.
        if (seal === undefined && !areAskedFor(receipt.requestDigest, entries, source.format)) throw changedReceipt();
        return { entries, root: await roots.at(tree, treeSize, readers) };
      },
    });
  }

  async #appendUnlessRepeated(events: readonly CheckedEvent[], requestKey: RequestKey): Promise<Appended | Repeated> {
    const { source, newest } = this.options;
    const { log, store } = source;
    const [receipt] = requestKey.isNew ? [] : await outcomeKnown(store.receipts(log, [requestKey.key]), "NONE");
    const outcome: Appended | Repeated =
      receipt === undefined ? await newest.sequencer.append(events, requestKey) : { kind: "repeated", receipt };
    if (outcome.kind === "repeated") requireSame(outcome, requestKey);
    return outcome;
  }
}

function requireSame({ receipt }: Repeated, { requestDigest }: RequestKey): void {
  if (equalBytes(receipt.requestDigest, requestDigest)) return;
  throw new AuditError(
    "CONFLICT",
    "The idempotency key was used before for other events: repeat that request as it was, or choose a new key.",
  );
}

function changedReceipt(): AuditError {
  return new AuditError(
    "ENTRY_CORRUPT",
    "The receipt stored under this idempotency key was changed, so it is not shown.",
  );
}

function requireGenuine(outcome: EntryOutcome): Entry {
  if (outcome.kind === "entry") return outcome.entry;
  throw new AuditError(
    "ENTRY_CORRUPT",
    "An entry that was logged under this idempotency key was changed, so it is not shown.",
  );
}

/** How many keys in a request's entries are tried as the gateway's: it has one, and few authors share a request. */
const MAX_KEYS = 8;

/** A request with a key, and with the key's owner, if it has one. */
export interface KeyedRequest extends LogRequest {
  readonly idempotencyKey: string;
  readonly keyOwner?: string | undefined;
}

/** The key of a request whose events are checked. */
export function requestKeyOf(request: KeyedRequest, checked: CheckedRequest, format: LogFormat): RequestKey {
  const { idempotencyKey, keyOwner, sign, skipInvalid = false, isNewKey: isNew = false } = request;
  // Only the caller's own signature counts: the gateway's follows from the event and `sign`.
  const events = checked.accepted.map(
    ({ checked: { event, malformed }, sent: { signature, publicKey } }): AskedEvent => {
      return askedEvent(format.signedText(event), { signature, publicKey, err: malformed });
    },
  );
  const asked = { events, sign, ...(skipInvalid && { skipped: checked.refused.map(({ index }) => index) }) };
  return {
    key: keyOf(keyOwner, idempotencyKey),
    requestDigest: requestDigestOf(asked),
    isNew,
  };
}

/** The key under which a log keeps an owner's idempotency key: see RequestKey. */
export function keyOf(owner = "", idempotencyKey: string): Uint8Array {
  return nodeSha256(utf8(canonicalJson([owner, idempotencyKey])));
}

/** An event's signed text, its author's signature and public key, and what is kept beside it, if anything. */
type AskedEvent = readonly Json[];

function askedEvent(text: string, { signature, publicKey, err }: AskedMembers): AskedEvent {
  return [text, signature ?? null, publicKey ?? null, ...(err === undefined ? [] : [err])];
}

interface AskedMembers {
  readonly signature?: string | undefined;
  readonly publicKey?: string | undefined;
  readonly err?: Json | undefined;
}

interface Asked {
  readonly events: readonly AskedEvent[];
  readonly sign: boolean;
  /** Indexes of the skipped events; absent unless the request may skip events. */
  readonly skipped?: readonly number[];
}

function requestDigestOf(asked: Asked): Uint8Array {
  return nodeSha256(utf8(canonicalJson({ ...asked })));
}

/**
 * Whether entries are what the request with this digest asked to log. An entry does not say whether its author signed
 * it or the gateway did, so each key in it is tried as the gateway's; the digest decides.
 */
export function areAskedFor(requestDigest: Uint8Array, entries: readonly Entry[], format: LogFormat): boolean {
  const asked = (gatewayKey?: string): readonly AskedEvent[] =>
    entries.map(({ envelope: { event, err, signature, public_key: publicKey } }) => {
      const isOwn = publicKey === undefined || publicKey === gatewayKey;
      return askedEvent(format.signedText(event), isOwn ? { err } : { err, signature, publicKey });
    });
  const keys = new Set(entries.flatMap(({ envelope }) => envelope.public_key ?? []));
  const possible = [
    requestDigestOf({ events: asked(), sign: false }),
    requestDigestOf({ events: asked(), sign: true }),
    ...[...keys].slice(0, MAX_KEYS).map((key) => requestDigestOf({ events: asked(key), sign: true })),
  ];
  return possible.some((digest) => equalBytes(digest, requestDigest));
}
