import type { SubscriptionRequest } from "../../graphql/subscriptions.js";
import { HttpError } from "../answer.js";

/** The parameters of a GraphQL request (GraphQL over HTTP, section 5.1) from untrusted JSON. Throws HttpError 400. */
export function readOperation(parameters: unknown): SubscriptionRequest {
  if (!isRecord(parameters)) throw new HttpError("BAD_REQUEST", "expected a GraphQL request as a JSON object");
  const { query, documentId, extensions, operationName, variables } = parameters;
  const namesDocument = documentId !== undefined || extensions !== undefined;
  if (typeof query !== "string" && (query !== undefined || !namesDocument))
    throw new HttpError("BAD_REQUEST", "query: expected the text of a GraphQL document");
  return { document: { query, documentId, extensions }, ...named(operationName), ...valued(variables) };
}

function named(operationName: unknown): Pick<SubscriptionRequest, "operationName"> {
  if (operationName === undefined || operationName === null) return {};
  if (typeof operationName !== "string") throw new HttpError("BAD_REQUEST", "operationName: expected text");
  return { operationName };
}

function valued(variables: unknown): Pick<SubscriptionRequest, "variables"> {
  if (variables === undefined || variables === null) return {};
  if (!isRecord(variables)) throw new HttpError("BAD_REQUEST", "variables: expected a JSON object");
  return { variables };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
