import type { EventField } from "../../core/event.js";
import { eventRules } from "../../core/event-rules.js";
import { configOf } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import { schemaBody } from "./requests.js";

interface SchemaField {
  readonly id: EventField;
  readonly type: "string" | "datetime";
  readonly name: string;
  readonly size: number;
  readonly required: boolean;
  readonly ui_default_visible: boolean;
}

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

const FIELDS: readonly SchemaField[] = NAMES.map(([id, name]) => ({
  ...{ id, name, size: limits[id].most },
  type: id === "timestamp" ? "datetime" : "string",
  required: id === "message",
  ui_default_visible: id === "message",
}));

/** POST /v1/schema: the standard schema, which every log of the format `pangea` has. */
export async function serveSchema(ask: Ask): Promise<Outcome> {
  await configOf(ask, schemaBody(ask.body).config_id);
  const result = { client_signable: true, tamper_proofing: true, save_malformed: "reject", fields: FIELDS };
  return { kind: "success", summary: "The standard schema", result };
}
