import { Client, fetchExchange } from "@urql/core";
import type { DocumentTypeDecoration } from "@graphql-typed-document-node/core";
import { createClient } from "graphql-sse";
import { ApiError, readDamage, readError, readGraphqlError, type Damage, type GraphqlError } from "./failure.js";
import {
  FollowEntriesDocument,
  type FollowEntriesSubscriptionVariables,
  type ProvenEntryFragment,
} from "./generated/operations.js";
import type { TokenProvider } from "./embed-props.js";

type Operation<Data, Variables> = DocumentTypeDecoration<Data, Variables> & { toString(): string };

/**
 * A gateway's GraphQL API. One of its own for each credential keeps what was asked with another from being shown, because a client
 * shares a response among equal requests.
 */
export class Gateway {
  /** Absolute. */
  readonly url: string;
  /** Whether requests carry a credential. */
  readonly hasToken: boolean;
  readonly #fetch: typeof fetch;
  readonly #client: Client;

  constructor(url: string, token: TokenProvider | undefined) {
    this.url = url;
    this.hasToken = token !== undefined;
    this.#fetch = token === undefined ? (input, init) => fetch(input, init) : fetchWith(token);
    // Without a cache: what is shown is verified, and was read for this.
    this.#client = new Client({
      url,
      exchanges: [fetchExchange],
      preferGetMethod: false,
      requestPolicy: "network-only",
      fetch: this.#fetch,
    });
  }

  /** Executes a query or a mutation. Rejects with an ApiError when any part of it failed. */
  async ask<Data, Variables extends object>(
    operation: Operation<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const { data, error } = await this.#execute(operation, variables);
    if (error !== undefined) throw new ApiError(readError(error));
    return data ?? nothing();
  }

  /** The same for entries, of which those that the gateway cannot show, because they are damaged, are null. */
  async askForEntries<Data, Variables extends object>(
    operation: Operation<Data, Variables>,
    variables: Variables,
  ): Promise<{ readonly data: Data; readonly damages: readonly Damage[] }> {
    const { data, error } = await this.#execute(operation, variables);
    const damages = error?.graphQLErrors.map(readDamage) ?? [];
    const isDamage = damages.length > 0 && damages.every((one) => one !== undefined);
    if (error !== undefined && !(isDamage && data)) throw new ApiError(readError(error));
    return { data: data ?? nothing(), damages: damages.filter((one) => one !== undefined) };
  }

  /**
   * Follows a log over server-sent events, until `signal` is aborted or the stream ends. An entry that the gateway cannot show is
   * skipped. Throws an ApiError where the gateway refuses.
   */
  async *follow(
    variables: FollowEntriesSubscriptionVariables,
    signal: AbortSignal,
  ): AsyncGenerator<ProvenEntryFragment> {
    const stream = createClient({ url: this.url, fetchFn: this.#fetch, retryAttempts: 0 });
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

  #execute<Data, Variables extends object>(operation: Operation<Data, Variables>, variables: Variables) {
    const text = operation.toString();
    const sent = text.includes("mutation ")
      ? this.#client.mutation<Data>(text, { ...variables })
      : this.#client.query<Data>(text, { ...variables });
    return sent.toPromise();
  }
}

/** Asks for the token before each request, and once more where it is refused: it may have ended in the meantime. */
function fetchWith(token: TokenProvider): typeof fetch {
  return async (input, init) => {
    const sent = await token();
    const response = await fetch(input, withToken(init, sent));
    if (response.status !== 401) return response;
    const next = await token();
    return next === sent ? response : fetch(input, withToken(init, next));
  };
}

function withToken(init: RequestInit | undefined, token: string | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  if (token !== undefined && token !== "") headers.set("authorization", `Bearer ${token}`);
  return { ...init, headers };
}

function nothing(): never {
  throw new ApiError({ kind: "other", message: "The gateway returned no data." });
}

function refuse(errors: readonly GraphqlError[]): void {
  const [error] = errors;
  if (error !== undefined && error.extensions?.["code"] !== "ENTRY_CORRUPT")
    throw new ApiError(readGraphqlError(error));
}
