import type { CheckedEvent, CheckedRequest } from "../../audit/checked-request.js";
import { AuditError } from "../../audit/errors.js";
import type { RequestReceipt } from "../../audit/store.js";
import type { StampedEntry } from "../tree/entries.js";
import type { SignedTree } from "../tree/signed-tree.js";
import type { Entry, LogRequest } from "../../audit/service.js";
import { equalBytes, utf8 } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { canonicalJson } from "../../core/json.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

/** The result of an append: the request's entries are durable in `tree`, the first of them at `firstIndex`. */
export interface Appended {
  readonly kind: "appended";
  readonly firstIndex: number;
  readonly entries: readonly StampedEntry[];
  readonly tree: SignedTree;
}

/** A request whose key another gateway had already logged: nothing was logged again. */
export interface Repeated {
  readonly kind: "repeated";
  readonly receipt: RequestReceipt;
}

/** A request to be logged: its events stay together in one batch, in order. */
export interface Submission {
  readonly events: readonly CheckedEvent[];
  /** Stamped before it waits, so that hashing happens while another batch is in flight. */
  readonly entries: readonly StampedEntry[];
  readonly requestKey: RequestKey | undefined;
  readonly resolve: (outcome: Appended | Repeated) => void;
  readonly reject: (error: unknown) => void;
}

export interface QueueLimits {
  /** A batch ends before the request that would make it longer than this; a longer request gets a batch of its own. */
  readonly maxBatchEvents: number;
  /** Requests are refused while more events than this would wait. */
  readonly maxWaitingEvents: number;
  /** The same limit for the canonical texts of a batch. Default 16,777,216: those of one request's body. */
  readonly maxBatchCharacters?: number;
  /** Requests are refused while the waiting canonical texts have more characters than this. Default 67,108,864. */
  readonly maxWaitingCharacters?: number;
}

const MAX_BATCH_CHARACTERS = 16 * 1_024 * 1_024;
const MAX_WAITING_CHARACTERS = 64 * 1_024 * 1_024;

export const QUEUE_LIMITS: QueueLimits = { maxBatchEvents: 4_096, maxWaitingEvents: 16_384 };

/** An amount that is limited in both dimensions. */
interface Load {
  readonly events: number;
  /** UTF-16 units of the canonical texts. */
  readonly characters: number;
}

const NOTHING: Load = { events: 0, characters: 0 };

/** How long a refused caller should wait: a few batches. */
const RETRY_AFTER_MS = 250;

/** Requests that wait for the batch in flight, first in, first out. */
export class SubmissionQueue {
  #waiting: Submission[] = [];
  #load = NOTHING;

  /** `onWaiting` is called with the number of waiting events whenever it changes. */
  constructor(
    private readonly limits: QueueLimits,
    private readonly onWaiting?: (events: number) => void,
  ) {}

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Throws UNAVAILABLE with outcome NONE when there is no room for so many events; called before any work on the
   * request.
   */
  requireRoom(events: number): void {
    const { maxWaitingEvents, maxWaitingCharacters = MAX_WAITING_CHARACTERS } = this.limits;
    const hasRoom = this.#load.events + events <= maxWaitingEvents && this.#load.characters <= maxWaitingCharacters;
    if (this.isEmpty || hasRoom) return;
    throw new AuditError("UNAVAILABLE", "More is being logged than the store can take: try again later.", {
      retryAfterMs: RETRY_AFTER_MS,
      outcome: "NONE",
    });
  }

  add(submission: Submission): void {
    this.#waiting.push(submission);
    this.#setLoad(sum(this.#load, loadOf(submission)));
  }

  /**
   * Takes the next batch, or more requests for a batch already begun: as many whole requests as fit, at least one for a
   * new batch.
   */
  takeBatch(begun: readonly Submission[] = []): readonly Submission[] {
    const { maxBatchEvents, maxBatchCharacters = MAX_BATCH_CHARACTERS } = this.limits;
    let batch = begun.map(loadOf).reduce(sum, NOTHING);
    const tooMany = this.#waiting.findIndex((submission, place) => {
      batch = sum(batch, loadOf(submission));
      const isFull = batch.events > maxBatchEvents || batch.characters > maxBatchCharacters;
      return begun.length + place > 0 && isFull;
    });
    const taken = this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : tooMany);
    this.#setLoad(this.#waiting.map(loadOf).reduce(sum, NOTHING));
    return taken;
  }

  #setLoad(load: Load): void {
    this.#load = load;
    this.onWaiting?.(load.events);
  }
}

function sum(a: Load, b: Load): Load {
  return { events: a.events + b.events, characters: a.characters + b.characters };
}

function loadOf({ entries }: Submission): Load {
  return { events: entries.length, characters: entries.reduce((count, { canonical }) => count + canonical.length, 0) };
}

/** Identifies a repeated request. Hashes, so that a log stores neither keys nor owners, and all rows have one size. */
export interface RequestKey {
  /** 32 bytes: SHA-256 of the owner and the owner's key. */
  readonly key: Uint8Array;
  /** 32 bytes: SHA-256 of the parsed events, of whether to sign them, and of the indexes of skipped ones. */
  readonly requestDigest: Uint8Array;
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
  const { idempotencyKey, keyOwner, sign, skipInvalid = false } = request;
  // Only the caller's own signature counts: the gateway's follows from the event and `sign`.
  const events = checked.accepted.map(({ checked: { event }, sent: { signature, publicKey } }): AskedEvent => {
    return [format.signedText(event), signature ?? null, publicKey ?? null];
  });
  const asked = { events, sign, ...(skipInvalid && { skipped: checked.refused.map(({ index }) => index) }) };
  return {
    key: keyOf(keyOwner, idempotencyKey),
    requestDigest: requestDigestOf(asked),
  };
}

/** The key under which a log keeps an owner's idempotency key: see RequestKey. */
export function keyOf(owner = "", idempotencyKey: string): Uint8Array {
  return nodeSha256(utf8(canonicalJson([owner, idempotencyKey])));
}

/** An event's signed text, and its author's signature and public key. */
type AskedEvent = readonly [text: string, signature: string | null, publicKey: string | null];

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
    entries.map(({ envelope: { event, signature, public_key: publicKey } }) =>
      publicKey === undefined || publicKey === gatewayKey
        ? [format.signedText(event), null, null]
        : [format.signedText(event), signature ?? null, publicKey],
    );
  const keys = new Set(entries.flatMap(({ envelope }) => envelope.public_key ?? []));
  const possible = [
    requestDigestOf({ events: asked(), sign: false }),
    requestDigestOf({ events: asked(), sign: true }),
    ...[...keys].slice(0, MAX_KEYS).map((key) => requestDigestOf({ events: asked(key), sign: true })),
  ];
  return possible.some((digest) => equalBytes(digest, requestDigest));
}
