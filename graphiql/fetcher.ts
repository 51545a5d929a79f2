import { createGraphiQLFetcher, type Fetcher, type FetcherOpts, type FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, OperationTypeNode, type ExecutionResult } from "graphql";
import { createClient } from "graphql-sse";

/** What a tab shows under "Headers" until a credential of its own is written there. */
export const HEADERS = `{
  // A credential for this tab alone.
  "authorization": "Bearer "
}`;

/**
 * Queries and mutations by POST; subscriptions as server-sent events, which pass every proxy that HTTP passes. The
 * credential goes along where a tab's own headers have none; the empty text is none.
 */
export function fetcherOf(url: string, credential: () => string): Fetcher {
  const ask = createGraphiQLFetcher({ url });
  return (params, { headers, ...options } = {}) => {
    const sent = { ...options, headers: { ...authorization(credential()), ...ownHeaders(headers) } };
    return isSubscription(params, options) ? follow(url, params, sent) : ask(params, sent);
  };
}

/** Whether the gateway asks for another credential than this. */
export async function isRefused(url: string, credential: string): Promise<boolean> {
  const headers = { "content-type": "application/json", ...authorization(credential) };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: "{ __typename }" }) });
  return response.status === 401;
}

function authorization(credential: string): Readonly<Record<string, string>> {
  return credential === "" ? {} : { authorization: `Bearer ${credential}` };
}

/** By their names in lower case, without an `authorization` that is not filled in. */
function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(
    named.filter(([name, value]) => name !== "authorization" || !/^(bearer)?\s*$/i.test(value)),
  );
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
