import { checkRequest, type CheckedEvent, type EventSigner } from "../../audit/checked-request.js";
import type { LogRequest, RefusedEvent } from "../../audit/service.js";
import { eventRules } from "../../core/event-rules.js";
import type { LogFormat } from "../../core/format.js";
import type { JsonObject } from "../../core/json.js";
import { unsupported } from "./shown.js";

/** The events of a request as the protocol takes them (sections 1.6 and 2.2), and those that it skips. */
export interface WireEvents {
  readonly items: readonly JsonObject[];
  readonly refused: readonly RefusedEvent[];
}

const RULES = eventRules("pangea");

/**
 * Checks a request before the service sees any of it, and signs its events with the gateway's key where that is asked for:
 * what the SDKs call local signing. Throws BAD_USER_INPUT naming every bad path, unless the request skips invalid events
 * and has a valid one; UNSUPPORTED for an idempotency key, which the protocol has no place for.
 */
export function wireEvents(request: LogRequest, format: LogFormat, signer: EventSigner): WireEvents {
  const { accepted, refused } = checkRequest(request, { format, rules: RULES }, signer);
  if (request.idempotencyKey !== undefined) {
    throw unsupported(
      "remember an idempotencyKey",
      "Leave it out, and after an open outcome search for the event first.",
    );
  }
  return { items: accepted.map(({ checked }) => wireItem(checked, format)), refused };
}

function wireItem({ event, signature, publicKey }: CheckedEvent, format: LogFormat): JsonObject {
  // The protocol's events hold text only, and a text goes out as it came, whatever it looks like.
  const item = { event: JSON.parse(format.signedText(event)) as JsonObject };
  return signature === undefined || publicKey === undefined ? item : { ...item, signature, public_key: publicKey };
}
