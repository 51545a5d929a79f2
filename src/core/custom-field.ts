import {
  EVENT_FIELDS,
  type AuditEvent,
  type CustomField,
  type CustomValue,
  type EventValue,
  type FieldName,
} from "./event.js";

const CUSTOM_ID = /^[a-z][0-9a-z_]{0,31}$/;
/** Names that no custom field may have: a member of the envelope, and one that every JavaScript object inherits. */
const RESERVED: readonly string[] = [...EVENT_FIELDS, "received_at", "constructor"];

/** Whether a name may be that of a custom field (Pangea protocol, section 2.4). */
export function isCustomField(name: unknown): name is CustomField {
  return typeof name === "string" && CUSTOM_ID.test(name) && !RESERVED.includes(name);
}

/** Whether a value may be that of a custom field. */
export function isCustomValue(value: unknown): value is CustomValue {
  return typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);
}

/** The custom fields of an event, by name. Members that no schema could have are left out. */
export function customFields(event: AuditEvent): readonly (readonly [CustomField, CustomValue])[] {
  const members: readonly (readonly [string, unknown])[] = Object.entries(event);
  const found: [CustomField, CustomValue][] = [];
  for (const [name, value] of members) if (isCustomField(name) && isCustomValue(value)) found.push([name, value]);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** All fields that an event has: those of every event, then its custom ones. */
export function eventFields(event: AuditEvent): readonly (readonly [FieldName, EventValue])[] {
  const standard = EVENT_FIELDS.flatMap((field) => {
    const value = event[field];
    return value === undefined ? [] : [[field, value] as const];
  });
  return [...standard, ...customFields(event)];
}

/** The custom fields of an event as an object; undefined where it has none. */
export function customObject(event: AuditEvent): Readonly<Record<string, CustomValue>> | undefined {
  const fields = customFields(event);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}
