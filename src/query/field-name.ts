import { EVENT_FIELDS, type EventField } from "../core/event.js";

/** Returns the field of a name in queries and restrictions: its hashed name, or its spelling in the GraphQL API. */
export function fieldNamed(name: string): EventField | undefined {
  return name === "tenantId" ? "tenant_id" : EVENT_FIELDS.find((field) => field === name);
}
