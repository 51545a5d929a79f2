import { EVENT_FIELDS, type EventField } from "../core/event.js";

/** The field a name stands for in queries and restrictions: the hashed names, and the spelling of the GraphQL API. */
export function fieldNamed(name: string): EventField | undefined {
  return name === "tenantId" ? "tenant_id" : EVENT_FIELDS.find((field) => field === name);
}
