import type { GraphQLResponse } from "@apollo/server";

/** Errors that GraphQL itself finds in a request that HTTP carried well. */
const GRAPHQL_REFUSALS: ReadonlySet<unknown> = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
  "OPERATION_RESOLUTION_FAILURE",
]);

/**
 * Uses 200 instead of 400 for clients that only accept `application/json`: to them the status says whether the response
 * is GraphQL's, not what is in it (GraphQL over HTTP, section 6.4.1). Other clients ask for
 * application/graphql-response+json.
 */
export function statusForJsonClients(accept: string, { http, body }: GraphQLResponse): void {
  if (http.status !== 400 || body.kind !== "single" || accept.includes("application/graphql-response+json")) return;
  const { errors = [] } = body.singleResult;
  if (errors.every(({ extensions }) => GRAPHQL_REFUSALS.has(extensions?.["code"]))) http.status = 200;
}
