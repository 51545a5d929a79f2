import type { EventField } from "../../core/event.js";
import { eventRules } from "../../core/event-rules.js";
import { sizeOf, type EventSchema, type SchemaField } from "../../core/event-schema.js";

/** In the order that the service's viewer shows them (protocol section 2.1). */
const NAMES: readonly (readonly [EventField, string])[] = [
  ["timestamp", "Timestamp"],
  ["actor", "Actor"],
  ["action", "Action"],
  ["status", "Status"],
  ["target", "Target"],
  ["source", "Source"],
  ["tenant_id", "Tenant ID"],
  ["old", "Old"],
  ["new", "New"],
  ["message", "Message"],
];

const { limits } = eventRules("pangea");

/** The fields of a log that declares no others. */
export const STANDARD: EventSchema = {
  client_signable: true,
  tamper_proofing: true,
  save_malformed: "reject",
  fields: NAMES.map(([id, name]) => ({
    ...{ id, name, size: limits[id].most },
    type: id === "timestamp" ? "datetime" : "string",
    required: id === "message",
    ui_default_visible: id === "message",
  })),
};

/** The events that fit a schema, as JSON Schema (draft 7, as the service's OpenAPI document has it). */
export function eventJsonSchema({ fields }: EventSchema): object {
  return {
    type: "object",
    required: fields.filter(({ required }) => required).map(({ id }) => id),
    additionalProperties: false,
    properties: Object.fromEntries(fields.map((field) => [field.id, valueRules(field)])),
  };
}

/** The events that a log takes: whatever does not fit, where its schema keeps that. */
export function acceptedEvents(schema: EventSchema = STANDARD): object {
  return schema.save_malformed === "reject" ? eventJsonSchema(schema) : { type: "object" };
}

function valueRules(field: SchemaField): object {
  const { id, type, description } = field;
  const said = description === undefined ? {} : { description };
  if (type === "boolean") return { type, ...said };
  if (type === "integer") return { type, minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, ...said };
  return {
    ...{ type: "string", maxLength: sizeOf(field), ...said },
    ...(id === "message" && { minLength: 1 }),
    ...(type === "datetime" && { format: "date-time" }),
  };
}
