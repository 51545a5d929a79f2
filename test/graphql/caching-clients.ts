import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiSchemaText } from "../../src/graphql/schema.js";
import { published } from "../published.js";

type Variables = Readonly<Record<string, unknown>>;

/** A client of others that keeps what it read as objects by their ids, with the operations that it was built with. */
export interface CachingClient {
  /** Asks the gateway, whatever the cache has, and keeps the answer there. Rejects on any error. */
  fetch(name: string, variables?: Variables): Promise<void>;
  /** What a screen of that operation shows now, from the cache alone; null if the cache lacks some of it. */
  cached(name: string, variables?: Variables): unknown;
  close(): void;
}

/** Operations by name. Those that are paged have `@connection`, which only Relay knows. */
export type Operations = Readonly<Record<string, string>>;

export type OpenClient = (url: string, operations: Operations) => Promise<CachingClient>;

export const CLIENTS: readonly (readonly [name: string, open: OpenClient])[] = [
  ["Apollo Client", async (url, operations) => Promise.resolve(apollo(url, operations))],
  ["urql's graphcache", async (url, operations) => Promise.resolve(graphcache(url, operations))],
  ["Relay", relay],
];

function withoutRelays(operations: Operations): (name: string) => string {
  return (name) => (operations[name] ?? "").replace(/@connection\([^)]*\)/, "");
}

/** The parts of each client that are used here, as its own declarations have them. */
interface Apollo {
  readonly ApolloClient: new (options: object) => {
    query(options: object): Promise<unknown>;
    readQuery(options: object): unknown;
    stop(): void;
  };
  readonly HttpLink: new (options: object) => unknown;
  readonly InMemoryCache: new (options: object) => unknown;
  readonly gql: (text: string) => unknown;
}

function apollo(uri: string, operations: Operations): CachingClient {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = published("@apollo/client") as Apollo;
  const { relayStylePagination } = published("@apollo/client/utilities") as {
    readonly relayStylePagination: (keys: readonly string[]) => unknown;
  };
  const search = relayStylePagination(["query", "orderBy", "window"]);
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { search } } } });
  const client = new ApolloClient({ link: new HttpLink({ uri }), cache });
  const text = withoutRelays(operations);
  return {
    async fetch(name, variables) {
      await client.query({ query: gql(text(name)), variables, fetchPolicy: "network-only" });
    },
    cached: (name, variables) => client.readQuery({ query: gql(text(name)), variables }),
    close: () => {
      client.stop();
    },
  };
}

/** Objects without an id, which graphcache keeps in their place and warns of otherwise. */
const KEYLESS = Object.fromEntries(
  ["AuditEntryConnection", "PageInfo", "AuditEntryVerification", "AuditVerdict"].map((name) => [name, () => null]),
);

interface Urql {
  readonly Client: new (options: object) => {
    query(text: string, variables: object, options: object): { toPromise(): Promise<{ readonly error?: Error }> };
    readQuery(text: string, variables: object, options: object): { readonly data?: unknown } | null;
  };
  readonly fetchExchange: unknown;
}

function graphcache(url: string, operations: Operations): CachingClient {
  const { Client, fetchExchange } = published("@urql/core") as Urql;
  const { cacheExchange } = published("@urql/exchange-graphcache") as {
    readonly cacheExchange: (options: object) => unknown;
  };
  const { relayPagination } = published("@urql/exchange-graphcache/extras") as {
    readonly relayPagination: () => unknown;
  };
  const cache = cacheExchange({ resolvers: { Query: { search: relayPagination() } }, keys: KEYLESS, logger: ignored });
  const client = new Client({ url, exchanges: [cache, fetchExchange], preferGetMethod: false });
  const text = withoutRelays(operations);
  return {
    async fetch(name, variables = {}) {
      const { error } = await client.query(text(name), variables, { requestPolicy: "network-only" }).toPromise();
      if (error !== undefined) throw error;
    },
    cached: (name, variables = {}) =>
      client.readQuery(text(name), variables, { requestPolicy: "cache-only" })?.data ?? null,
    close: ignored,
  };
}

function ignored(): void {
  // urql has nothing to close, and warns of what the tests are about.
}

interface Descriptor {
  readonly fragment: unknown;
}

interface Relay {
  readonly Environment: new (options: object) => {
    check(operation: Descriptor): { readonly status: string };
    lookup(fragment: unknown): { readonly data: unknown };
    retain(operation: Descriptor): unknown;
  };
  readonly Network: {
    create(fetchFunction: (request: { text: string }, variables: object) => Promise<unknown>): unknown;
  };
  readonly Store: new (source: unknown) => unknown;
  readonly RecordSource: new () => unknown;
  fetchQuery(environment: unknown, request: unknown, variables: object): { toPromise(): Promise<unknown> };
  createOperationDescriptor(request: unknown, variables: object): Descriptor;
}

async function relay(url: string, operations: Operations): Promise<CachingClient> {
  const runtime = published("relay-runtime") as Relay;
  const { folder, artifact } = await compiled(operations);
  const ask = async ({ text }: { readonly text: string }, variables: object): Promise<unknown> => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ query: text, variables });
    return (await fetch(url, { method: "POST", headers, body })).json();
  };
  const store = new runtime.Store(new runtime.RecordSource());
  const environment = new runtime.Environment({ network: runtime.Network.create(ask), store });
  const operation = (name: string, variables: object) => runtime.createOperationDescriptor(artifact(name), variables);
  return {
    async fetch(name, variables = {}) {
      environment.retain(operation(name, variables));
      await runtime.fetchQuery(environment, artifact(name), variables).toPromise();
    },
    cached(name, variables = {}) {
      const asked = operation(name, variables);
      return environment.check(asked).status === "available" ? environment.lookup(asked.fragment).data : null;
    },
    close: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

/** By Relay's own compiler, from the schema that is printed for it. It wants operations named after their file. */
async function compiled(operations: Operations) {
  const folder = mkdtempSync(join(tmpdir(), "auditql-relay-"));
  writeFileSync(join(folder, "schema.graphql"), await apiSchemaText());
  const documents = Object.values(operations).map((text) => `graphql\`${text}\`;`);
  writeFileSync(join(folder, "Screens.js"), documents.join("\n"));
  const config = { src: ".", schema: "schema.graphql", language: "javascript", eagerEsModules: false };
  writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
  const compiler = published("relay-compiler") as string;
  execFileSync(compiler, ["relay.config.json"], { cwd: folder, stdio: "pipe" });
  const required = createRequire(join(folder, "Screens.js"));
  return { folder, artifact: (name: string): unknown => required(`./__generated__/${name}.graphql.js`) };
}
