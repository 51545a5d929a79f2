import type { CheckedEvent } from "../../audit/checked-request.js";
import { AuditError } from "../../audit/errors.js";
import type { RequestReceipt, AppendBatch } from "../../audit/store.js";
import type { LogFormat } from "../../core/format.js";
import type { LogKey } from "../../keys/log-key.js";
import { stampEvent, type StampedEntry } from "../tree/stamped-entry.js";
import type { SignedTree, TreeSource } from "../tree/signed-tree.js";
import { sealedReceipt } from "./seals.js";

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
  /** The same limit for the canonical texts of a batch. Default 16,777,216: as many as one request's body has. */
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
  /** No earlier request can have it. */
  readonly isNew: boolean;
}

/** A batch computed on top of a tree, and the tree that it gives if the store accepts it. */
export interface Growth {
  readonly batch: AppendBatch;
  readonly tree: SignedTree;
  readonly requests: readonly GrownRequest[];
}

/** A request of a batch, with its entries at their indexes. */
export interface GrownRequest {
  readonly submission: Submission;
  readonly firstIndex: number;
  readonly entries: readonly StampedEntry[];
}

type Grower = Pick<TreeSource, "log" | "format" | "key">;

/** Assigns leaf indexes after a tree to the requests, and computes and signs the new root. */
export function growTree(grower: Grower, tree: SignedTree, submissions: readonly Submission[]): Growth {
  const requests = placed(tree.edge.size, submissions, inTime(grower.format, tree.lastReceivedAt, submissions));
  const entries = requests.flatMap((request) => request.entries);
  const { edge, tiles } = tree.edge.append(entries.map(({ leafHash }) => leafHash));
  const receipts = requests.flatMap((request) => receiptsOf(grower.key, request, edge.size));
  const rootHash = edge.root();
  const checkpoint = grower.key.sign(edge.size, rootHash);
  const lastReceivedAt = entries.at(-1)?.receivedAt ?? tree.lastReceivedAt;
  const expected = { expectedSize: tree.edge.size, expectedRoot: tree.rootHash };
  return {
    batch: { log: grower.log, ...expected, entries, tiles, rootHash, checkpoint, receipts },
    tree: { edge, rootHash, checkpoint, lastReceivedAt },
    requests,
  };
}

/** Stamps requests again when another gateway's entries have later times: receivedAt never decreases along the log. */
function inTime(
  format: LogFormat,
  lastReceivedAt: string,
  submissions: readonly Submission[],
): readonly (readonly StampedEntry[])[] {
  return submissions.map(({ events, entries }) => {
    const stamp = entries[0]?.receivedAt ?? lastReceivedAt;
    if (stamp >= lastReceivedAt) return entries;
    return events.map((event) => stampEvent(format, event, lastReceivedAt));
  });
}

function placed(
  size: number,
  submissions: readonly Submission[],
  stamped: readonly (readonly StampedEntry[])[],
): readonly GrownRequest[] {
  let nextIndex = size;
  return submissions.map((submission, place) => {
    const entries = stamped[place] ?? [];
    const firstIndex = nextIndex;
    nextIndex += entries.length;
    return { submission, firstIndex, entries };
  });
}

function receiptsOf(
  key: LogKey,
  { submission: { requestKey }, firstIndex, entries }: GrownRequest,
  treeSize: number,
): readonly RequestReceipt[] {
  return requestKey === undefined
    ? []
    : [sealedReceipt(key, { ...requestKey, firstIndex, count: entries.length, treeSize })];
}
