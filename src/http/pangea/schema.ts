import type { EventSchema } from "../../core/event-schema.js";
import { packageVersion } from "../../operations/package.js";
import { configOf } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import { eventJsonSchema, STANDARD } from "./event-json-schema.js";
import { openApiBody, schemaBody } from "./requests.js";

/** POST /v1/schema: the log's schema. */
export async function serveSchema(ask: Ask): Promise<Outcome> {
  const { identity } = await configOf(ask, schemaBody(ask.body).config_id);
  const { schema } = identity;
  const summary = schema === undefined ? "The standard schema" : "The schema of the log";
  return { kind: "success", summary, result: schema ?? STANDARD };
}

/**
 * POST /v1/openapi.json, without the protocol's envelope: an SDK asks for it with the request that it is about to make, and
 * takes `components.schemas.AuditEvent` to check its event with.
 */
export async function serveOpenApi(ask: Ask): Promise<Outcome> {
  const { identity } = await configOf(ask, openApiBody(ask.body).config_id);
  return { kind: "document", document: openApi(identity.schema ?? STANDARD) };
}

function openApi(schema: EventSchema): object {
  const event = { $ref: "#/components/schemas/AuditEvent" };
  return {
    openapi: "3.1.0",
    info: { title: "Pangea Secure Audit Log protocol, served by AuditQL", version: packageVersion() },
    paths: {
      "/v1/log": operation("log", { type: "object", required: ["event"], properties: { event } }),
      "/v2/log": operation("logBulk", {
        ...{ type: "object", required: ["events"] },
        properties: {
          events: { type: "array", items: { type: "object", required: ["event"], properties: { event } } },
        },
      }),
    },
    components: { schemas: { AuditEvent: eventJsonSchema(schema) } },
  };
}

function operation(operationId: string, body: object): object {
  const requestBody = { required: true, content: { "application/json": { schema: body } } };
  return { post: { operationId, requestBody, responses: { 200: { description: "What was logged" } } } };
}
