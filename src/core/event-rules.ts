import type { EventField, EventRules, FieldLimit, FieldName } from "./event.js";
import type { FormatName } from "./format.js";

/** The maximum characters of a text field in an rfc6962 log. */
export const MAX_TEXT_CHARACTERS = 1_024;
/** The maximum bytes of message, new and old each in an rfc6962 log that declares no other limit. */
export const DEFAULT_VALUE_BYTES = 256 * 1_024;
/**
 * The maximum bytes of an event's canonical JSON in an rfc6962 log; also the highest limit a declaration may set for a
 * value.
 */
export const MAX_EVENT_BYTES = 1_024 * 1_024;

const characters = (most: number): FieldLimit => ({ most, unit: "characters" });

/** The rules of the Pangea protocol, section 2. */
const PANGEA: EventRules = {
  limits: {
    message: characters(32_766),
    actor: characters(128),
    action: characters(32),
    new: characters(32_766),
    old: characters(32_766),
    source: characters(128),
    status: characters(32),
    target: characters(128),
    timestamp: characters(128),
    tenant_id: characters(128),
  },
  maxEventBytes: Infinity,
  takesAnyJson: false,
  takesNul: false,
};

/** The maximum characters of a field in a pangea log; for a custom field, unless its schema sets another limit. */
export function pangeaLimit(field: FieldName): number {
  return isEventField(field) ? PANGEA.limits[field].most : PANGEA.limits.message.most;
}

function isEventField(field: FieldName): field is EventField {
  return Object.hasOwn(PANGEA.limits, field);
}

/**
 * The rules of a log. `maxValueBytes` limits message, new and old each: 1 to MAX_EVENT_BYTES; ignored for a pangea log.
 */
export function eventRules(format: FormatName, maxValueBytes = DEFAULT_VALUE_BYTES): EventRules {
  if (format === "pangea") return PANGEA;
  const text = characters(MAX_TEXT_CHARACTERS);
  const value: FieldLimit = { most: maxValueBytes, unit: "bytes" };
  return {
    limits: {
      ...{ message: value, new: value, old: value },
      ...{ actor: text, action: text, source: text, status: text, target: text, tenant_id: text },
      timestamp: characters(128),
    },
    maxEventBytes: MAX_EVENT_BYTES,
    takesAnyJson: true,
    takesNul: true,
  };
}
