import { createGraphiQLFetcher, type Fetcher, type FetcherOpts, type FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, OperationTypeNode, type ExecutionResult } from "graphql";
import { createClient } from "graphql-sse";

/** Queries and mutations by POST; subscriptions as server-sent events, which pass every proxy that HTTP passes. */
export function fetcherOf(url: string): Fetcher {
  const ask = createGraphiQLFetcher({ url });
  return (params, options) => (isSubscription(params, options) ? follow(url, params, options) : ask(params, options));
}

function isSubscription({ operationName }: FetcherParams, { documentAST }: FetcherOpts = {}): boolean {
  if (documentAST === undefined) return false;
  return getOperationAST(documentAST, operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
}

/** Ends with its connection: from which index to go on is for the reader to say. */
async function* follow(
  url: string,
  { query, operationName, ...rest }: FetcherParams,
  { headers = {} }: FetcherOpts = {},
): AsyncGenerator<ExecutionResult> {
  const client = createClient({ url, headers, retryAttempts: 0 });
  const request = { query, ...rest, ...(operationName && { operationName }) };
  for await (const { data = null, errors = [] } of client.iterate(request))
    yield errors.length === 0 ? { data } : { data, errors };
}
