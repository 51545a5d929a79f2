import { parseBulkId } from "../audit/bulk-id.js";
import type { Principal } from "../audit/principal.js";
import type { CompletenessProof } from "../audit/proofs.js";
import type { AuditService, Entry, EntryOutcome, ResultPage } from "../audit/service.js";
import { replaced } from "../audit/calls.js";
import { canonicalJson, type JsonObject } from "../core/json.js";
import { readProof } from "../core/segment/proof-document.js";
import { questionText } from "../core/segment/question.js";
import { ShownLeaves } from "./shown-leaves.js";

/** A read of entries by one principal: how it asked, and which leaves of which log it was shown. */
export interface Read {
  readonly kind: "search" | "results" | "entries" | "entry by hash" | "tail" | "download" | "completeness proof";
  readonly log: string;
  readonly leafIndexes: readonly number[];
  /** The request, except for the leaves themselves. */
  readonly asked?: JsonObject;
}

/** The log that a gateway records reads in. Nothing else may log there, or reads could be forged. */
export interface ReadLog {
  readonly log: string;
  readonly recorder: (principal: Principal) => RecordRead;
}

/** Records a read; the response is held back until this resolves. Rejects like the append. */
export type RecordRead = (read: Read) => Promise<void>;

/** As many leaves as a page has. */
const MOST_RECORDED = 1_000;
/** Fits an event's field: a page of a thousand leaves does, and so does a query of 4,096 characters. */
const MAX_ASKED_CHARACTERS = 20_000;

/**
 * Records reads as events of a log, so that who was shown what is as hard to deny as what was logged. The reader is the
 * actor, the log that was read is the target; query and leaves are in `new`.
 */
export function readLog(service: AuditService, log: string): ReadLog {
  const recorder = (principal: Principal) => async (read: Read) => {
    const event = {
      message: `${read.kind}: ${read.leafIndexes.length} entries shown`,
      actor: principal.id,
      action: "audit.read",
      target: read.log,
      new: { leafIndexes: read.leafIndexes, ...askedIn(read) },
      ...(principal.tenant === undefined ? {} : { tenant_id: principal.tenant }),
    };
    await service.append({ log, events: [{ event }], sign: false, path: "event" });
  };
  return { log, recorder };
}

/**
 * A service that shows nothing before it is recorded. It wraps the view of one request, so that only what that may see
 * is recorded. A page is recorded once, and not again for its entries, which the same request reads later; receipts of
 * own events do not count as reads.
 */
export function recordingReads(service: AuditService, record: RecordRead): AuditService {
  const recorded = new ShownLeaves();

  const listed = async (kind: Read["kind"], page: ResultPage, asked: JsonObject): Promise<ResultPage> => {
    const { log } = page.result;
    await record({ kind, log, leafIndexes: page.leafIndexes, asked });
    recorded.addLeaves(log, page.leafIndexes);
    return page;
  };

  /** Records entries that no page of this request has listed. */
  const unlisted = async (kind: Read["kind"], log: string, outcomes: readonly EntryOutcome[]): Promise<void> => {
    const shown = outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry.leafIndex] : []));
    const leafIndexes = shown.filter((leafIndex) => !recorded.hasAll(log, [leafIndex]));
    if (leafIndexes.length > 0) await record({ kind, log, leafIndexes });
    // A stream may show everything that is ever logged.
    if (kind !== "tail" && kind !== "download") recorded.addLeaves(log, leafIndexes);
  };

  return replaced(service, {
    append: async (...asked) => {
      const receipt = await service.append(...asked);
      recorded.addReceipt(receipt);
      return receipt;
    },
    appendLater: async (...asked) => {
      const request = await service.appendLater(...asked);
      recorded.addReceipt(request.logged);
      return request;
    },
    bulkRequest: async (...asked) => {
      const request = await service.bulkRequest(...asked);
      const name = request && parseBulkId(request.id);
      // An id of an earlier version does not say whose events it shows.
      if (name?.kind === "digest") await unlisted("entries", name.log, request?.logged.entries.map(asOutcome) ?? []);
      else if (request !== undefined) recorded.addReceipt(request.logged);
      return request;
    },
    search: async (request, ...asked) => {
      const { query, window = {}, restriction = {} } = request;
      const page = await service.search(request, ...asked);
      return listed("search", page, { query, window: { ...window }, restriction: { ...restriction } });
    },
    results: async (id, ...asked) => listed("results", await service.results(id, ...asked), { id }),
    entries: async (log, ...asked) => {
      const outcomes = await service.entries(log, ...asked);
      await unlisted("entries", log, outcomes);
      return outcomes;
    },
    entryByHash: async (log, ...asked) => {
      const outcome = await service.entryByHash(log, ...asked);
      await unlisted("entry by hash", log, [outcome]);
      return outcome;
    },
    completeness: async (...asked) => recordedProof(await service.completeness(...asked), record),
    tail: async (request, asking) =>
      before(await service.tail(request, asking), (outcome) => unlisted("tail", request.log, [outcome])),
    download: async (...asked) => {
      const download = await service.download(...asked);
      const { log } = download;
      const pages = (signal: AbortSignal) => before(download.pages(signal), (page) => unlisted("download", log, page));
      return { ...download, pages };
    },
  });
}

async function recordedProof(proven: CompletenessProof, record: RecordRead): Promise<CompletenessProof> {
  for (const read of readsOf(proven)) await record(read);
  return proven;
}

/** A proof holds the texts of entries that are not indexed yet, and words of any others. */
function readsOf({ log, proof, question }: CompletenessProof): readonly Read[] {
  const shown = readProof(proof)?.entries.leaves.map(({ index }) => index) ?? [];
  const asked = { question: questionText(question) };
  return Array.from({ length: Math.max(1, Math.ceil(shown.length / MOST_RECORDED)) }, (_, part) => ({
    ...({ kind: "completeness proof", log, asked } as const),
    leafIndexes: shown.slice(part * MOST_RECORDED, (part + 1) * MOST_RECORDED),
  }));
}

function asOutcome(entry: Entry): EntryOutcome {
  return { kind: "entry", entry };
}

async function* before<T>(items: AsyncIterable<T>, record: (item: T) => Promise<void>): AsyncGenerator<T> {
  for await (const item of items) {
    await record(item);
    yield item;
  }
}

function askedIn({ asked }: Read): JsonObject {
  if (asked === undefined) return {};
  const tooLong = canonicalJson(asked).length > MAX_ASKED_CHARACTERS;
  return { asked: tooLong ? "too long to be recorded" : asked };
}
