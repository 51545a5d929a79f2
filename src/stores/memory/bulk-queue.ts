import type {
  BulkClaim,
  BulkEnd,
  BulkPlace,
  BulkQueue,
  ClaimedBulk,
  EnqueueOutcome,
  KeptBulk,
  NewBulk,
  StoredBulk,
} from "../../audit/bulk-queue.js";

interface MemoryBulk {
  readonly accepted: Omit<NewBulk, "body">;
  readonly body: string;
  heldUntilMs: number;
  readonly end: BulkEnd | undefined;
}

const keyOf = ({ log, name }: BulkPlace): string => JSON.stringify([log, name]);

/** Keeps bulk requests in memory, for tests and trials: nothing survives the process. */
export class MemoryBulkQueue implements BulkQueue {
  readonly #bulks = new Map<string, MemoryBulk>();

  enqueue(bulk: NewBulk, maxWaitingBytes: number): Promise<EnqueueOutcome> {
    const found = this.#bulks.get(keyOf(bulk));
    if (found !== undefined) return Promise.resolve({ kind: "queued", stored: stored(found) });
    const waiting = this.#waiting(bulk.log);
    if (waiting > 0 && waiting + bulk.bytes > maxWaitingBytes) return Promise.resolve({ kind: "full" });
    const { body, ...accepted } = bulk;
    const added = { accepted, body, heldUntilMs: 0, end: undefined };
    this.#bulks.set(keyOf(bulk), added);
    return Promise.resolve({ kind: "queued", stored: stored(added) });
  }

  claim({ logs, nowMs, heldUntilMs, limit }: BulkClaim): Promise<readonly ClaimedBulk[]> {
    const isFree = (bulk: MemoryBulk): boolean => bulk.end === undefined && bulk.heldUntilMs <= nowMs;
    const free = [...this.#bulks.values()].filter((bulk) => logs.includes(bulk.accepted.log) && isFree(bulk));
    const claimed = free.sort((a, b) => a.accepted.acceptedAtMs - b.accepted.acceptedAtMs).slice(0, limit);
    for (const bulk of claimed) bulk.heldUntilMs = heldUntilMs;
    return Promise.resolve(claimed.map(({ accepted, body }) => ({ ...accepted, body })));
  }

  finish(place: BulkPlace, end: BulkEnd): Promise<void> {
    const bulk = this.#bulks.get(keyOf(place));
    if (bulk !== undefined) this.#bulks.set(keyOf(place), { ...bulk, body: "", end: bulk.end ?? end });
    return Promise.resolve();
  }

  find(place: BulkPlace, owner: string): Promise<StoredBulk | undefined> {
    const bulk = this.#bulks.get(keyOf(place));
    return Promise.resolve(bulk?.accepted.owner === owner ? stored(bulk) : undefined);
  }

  listBehind({ log, name }: BulkPlace, limit: number): Promise<readonly KeptBulk[]> {
    const bulks = [...this.#bulks.values()].map(kept);
    const behind = bulks.filter((bulk) => bulk.log === log && bulk.name > name);
    return Promise.resolve(behind.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit));
  }

  waitingBytes(log: string): Promise<number> {
    return Promise.resolve(this.#waiting(log));
  }

  removeExpired(nowMs: number): Promise<void> {
    for (const [key, { end }] of this.#bulks) if (end && end.expiresAtMs <= nowMs) this.#bulks.delete(key);
    return Promise.resolve();
  }

  #waiting(log: string): number {
    const waiting = [...this.#bulks.values()].filter((bulk) => bulk.accepted.log === log && bulk.end === undefined);
    return waiting.reduce((sum, { accepted: { bytes } }) => sum + bytes, 0);
  }
}

function kept({ accepted, body, end }: MemoryBulk): KeptBulk {
  return { ...accepted, body, end };
}

function stored({ accepted, end }: MemoryBulk): StoredBulk {
  return { ...accepted, end };
}
