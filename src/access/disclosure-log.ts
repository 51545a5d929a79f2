import type { Principal } from "../audit/principal.js";
import type { AuditService } from "../audit/service.js";
import { canonicalJson, type JsonObject } from "../core/json.js";

/** A reading of entries by one principal: how it asked, and which leaves of which log it was shown. */
export interface Read {
  readonly kind: "search" | "results" | "entries" | "entry by hash" | "tail" | "download";
  readonly log: string;
  readonly leafIndexes: readonly number[];
  /** What was asked, as far as it is not the leaves themselves. */
  readonly asked?: JsonObject;
}

/** Where a gateway records readings. Nobody else logs there, or a reading could be made up. */
export interface ReadLog {
  readonly log: string;
  readonly recorder: (principal: Principal) => RecordRead;
}

/** Records a reading; an answer is given only when it has resolved. Rejects what the append rejects. */
export type RecordRead = (read: Read) => Promise<void>;

/** What fits an event's field; a page of a thousand leaves does, a query of 4,096 characters does. */
const MAX_ASKED_CHARACTERS = 20_000;

/**
 * Records readings as events of a log: who was shown what must be as hard to deny as what was logged. The reader is the
 * actor, the log that was read the target; query and leaves are in `new`.
 */
export function readLog(service: AuditService, log: string): ReadLog {
  const recorder = (principal: Principal) => async (read: Read) => {
    const event = {
      message: `${read.kind}: ${read.leafIndexes.length} entries shown`,
      actor: principal.id.slice(0, 128),
      action: "audit.read",
      target: read.log.slice(0, 128),
      new: { leafIndexes: read.leafIndexes, ...askedIn(read) },
      ...(principal.tenant === undefined ? {} : { tenant_id: principal.tenant }),
    };
    await service.append({ log, events: [{ event }], sign: false, path: "event" });
  };
  return { log, recorder };
}

function askedIn({ asked }: Read): JsonObject {
  if (asked === undefined) return {};
  const tooLong = canonicalJson(asked).length > MAX_ASKED_CHARACTERS;
  return { asked: tooLong ? "too long to be recorded" : asked };
}
