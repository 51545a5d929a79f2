import type { GraphQLResponse } from "@apollo/server";

/** What GraphQL itself finds wrong with a request that HTTP carried well. */
const GRAPHQL_REFUSALS: ReadonlySet<unknown> = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
  "OPERATION_RESOLUTION_FAILURE",
]);

/**
 * Answers 200 instead of 400 to clients that only know `application/json`: to them a status says whether the answer is
 * GraphQL's, not what is in it (GraphQL over HTTP, section 6.4.1). Others asked for application/graphql-response+json.
 */
export function statusForJsonClients(accept: string, { http, body }: GraphQLResponse): void {
  if (http.status !== 400 || body.kind !== "single" || accept.includes("application/graphql-response+json")) return;
  const { errors = [] } = body.singleResult;
  if (errors.every(({ extensions }) => GRAPHQL_REFUSALS.has(extensions?.["code"]))) http.status = 200;
}
