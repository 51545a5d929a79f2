import { checkRequest, type AcceptedEvent, type EventSigner } from "../../audit/checked-request.js";
import type { LogRequest, RefusedEvent } from "../../audit/service.js";
import { eventRules } from "../../core/event-rules.js";
import type { EventSchema } from "../../core/event-schema.js";
import { withObjectsAsText, type LogFormat } from "../../core/format.js";
import { isPlainObject, withoutNulls, type Json, type JsonObject } from "../../core/json.js";
import { schemaRules } from "../../core/schema-event.js";
import { unsupported } from "./shown.js";

/** The events of a request as the protocol takes them (sections 1.6 and 2.2), and those that it skips. */
export interface WireEvents {
  readonly items: readonly JsonObject[];
  readonly refused: readonly RefusedEvent[];
}

export interface WireLog {
  readonly format: LogFormat;
  /** Undefined: its events have the standard fields. */
  readonly schema: EventSchema | undefined;
}

/**
 * Checks a request before the service sees any of it, and signs its events with the gateway's key where that is asked for:
 * what the SDKs call local signing. Throws BAD_USER_INPUT naming every bad path, unless the request skips invalid events
 * and has a valid one; UNSUPPORTED for an idempotency key, which the protocol has no place for.
 */
export function wireEvents(request: LogRequest, { format, schema }: WireLog, signer: EventSigner): WireEvents {
  const rules = schema === undefined ? eventRules("pangea") : schemaRules(schema);
  const { accepted, refused } = checkRequest(request, { format, rules, isServed: true }, signer);
  if (request.idempotencyKey !== undefined) {
    throw unsupported(
      "remember an idempotencyKey",
      "Leave it out, and after an open outcome search for the event first.",
    );
  }
  return { items: accepted.map(wireItem), refused };
}

function wireItem({ sent, checked }: AcceptedEvent): JsonObject {
  const { event, malformed = [], signature, publicKey } = checked;
  // The standard fields hold text only, and a text goes out as it came, whatever it looks like.
  const item = { event: { ...withObjectsAsText(event), ...misfits(sent.event, malformed) } };
  return signature === undefined || publicKey === undefined ? item : { ...item, signature, public_key: publicKey };
}

/** What does not fit goes along as it was sent: the service moves it to `err`, as its schema says. */
function misfits(sent: unknown, malformed: readonly { readonly field: string }[]): JsonObject {
  if (malformed.length === 0 || !isPlainObject(sent)) return {};
  const names = malformed.map(({ field }) => field);
  const members = Object.entries(withoutNulls(sent)).filter(([name]) => names.includes(name));
  return Object.fromEntries(members) as { readonly [name: string]: Json };
}
