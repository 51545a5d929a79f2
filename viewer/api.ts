import { Client, fetchExchange } from "@urql/core";
import type { DocumentTypeDecoration } from "@graphql-typed-document-node/core";
import { createClient } from "graphql-sse";
import { authorization } from "./credential.js";
import { ApiError, readError, readGraphqlError, type GraphqlError } from "./failure.js";
import {
  FollowEntriesDocument,
  type FollowEntriesSubscriptionVariables,
  type ProvenEntryFragment,
} from "./generated/operations.js";

/** Relative, so that the page also works where a proxy puts the gateway below a path. */
export const GRAPHQL_URL = new URL("graphql", document.baseURI).href;

type Operation<Data, Variables> = DocumentTypeDecoration<Data, Variables> & { toString(): string };

let client = newClient();

/**
 * From now on with the credential that is kept. A client shares a response among equal requests: one of its own for each
 * credential keeps what was asked with another from being shown.
 */
export function takeCredential(): void {
  client = newClient();
}

/** Without a cache: what is shown is verified, and was read for this. */
function newClient(): Client {
  const headers = { ...authorization() };
  return new Client({
    url: GRAPHQL_URL,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    requestPolicy: "network-only",
    fetchOptions: { headers },
  });
}

/** Executes a query or a mutation. Rejects with an ApiError when any part of it failed. */
export async function ask<Data, Variables extends object>(
  operation: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, error } = await execute(operation, variables);
  if (error !== undefined) throw new ApiError(readError(error));
  return data ?? nothing();
}

/** The same for a page of entries, in which those that the gateway cannot show, because they are damaged, are null. */
export async function askForPage<Data, Variables extends object>(
  operation: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, error } = await execute(operation, variables);
  const isDamage = error?.graphQLErrors.every(({ extensions }) => extensions["code"] === "ENTRY_CORRUPT") === true;
  if (error !== undefined && !(isDamage && data)) throw new ApiError(readError(error));
  return data ?? nothing();
}

function execute<Data, Variables extends object>(operation: Operation<Data, Variables>, variables: Variables) {
  const text = operation.toString();
  const sent = text.includes("mutation ")
    ? client.mutation<Data>(text, { ...variables })
    : client.query<Data>(text, { ...variables });
  return sent.toPromise();
}

function nothing(): never {
  throw new ApiError({ kind: "other", message: "The gateway returned no data." });
}

/**
 * Follows a log over server-sent events, until `signal` is aborted or the stream ends. An entry that the gateway cannot show is
 * skipped. Throws an ApiError where the gateway refuses.
 */
export async function* follow(
  variables: FollowEntriesSubscriptionVariables,
  signal: AbortSignal,
): AsyncGenerator<ProvenEntryFragment> {
  const stream = createClient({ url: GRAPHQL_URL, headers: () => ({ ...authorization() }), retryAttempts: 0 });
  signal.addEventListener("abort", () => {
    stream.dispose();
  });
  const request = { query: FollowEntriesDocument.toString(), variables: { ...variables } };
  for await (const { data, errors = [] } of stream.iterate<{ readonly entryLogged: ProvenEntryFragment }>(request)) {
    if (signal.aborted) return;
    if (data?.entryLogged !== undefined) yield data.entryLogged;
    else refuse(errors);
  }
}

function refuse(errors: readonly GraphqlError[]): void {
  const [error] = errors;
  if (error !== undefined && error.extensions?.["code"] !== "ENTRY_CORRUPT")
    throw new ApiError(readGraphqlError(error));
}
