import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import { startStandaloneServer } from "@apollo/server/standalone";
import { composeServices } from "./composition.js";
import { openApollo } from "./apollo.js";
import { parse, type GraphQLFormattedError, type GraphQLSchema } from "graphql";

/** By name. */
export type Headers = Readonly<Record<string, string>>;

/** A subgraph, and where it answers. */
export interface Subgraph {
  readonly name: string;
  readonly url: string;
}

export interface Answer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphQLFormattedError[];
  readonly extensions?: { readonly [key: string]: unknown };
}

/** What composition says of a supergraph: its text, or why there is none, and what it advises. */
export interface Composition {
  readonly supergraphSdl: string | undefined;
  readonly errors: readonly string[];
  /** `LEVEL CODE: message`. */
  readonly hints: readonly string[];
}

export interface Supergraph {
  ask(query: string, variables?: object, headers?: Headers): Promise<Answer>;
}

const stopping: (() => Promise<void>)[] = [];

/** Has `stopAll` stop a server too. */
export function stopLater(stop: () => Promise<void>): void {
  stopping.push(stop);
}

/** Stops every server that was opened here. */
export async function stopAll(): Promise<void> {
  await Promise.all(stopping.splice(0).map((stop) => stop()));
}

/** Serves a schema over HTTP on a free port, with what its resolvers need of a request. */
export async function openSubgraph(name: string, schema: GraphQLSchema): Promise<Subgraph> {
  const server = new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTrace()] });
  const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
  stopLater(() => server.stop());
  return { name, url };
}

/** Composes what the subgraphs publish, each asked for its schema as a registry asks. */
export async function compose(subgraphs: readonly Subgraph[], headers: Headers = {}): Promise<Composition> {
  const services = await Promise.all(
    subgraphs.map(async ({ name, url }) => ({ name, url, typeDefs: parse(await publishedSchema(url, headers)) })),
  );
  const { supergraphSdl, errors = [], hints = [] } = composeServices(services);
  return {
    supergraphSdl,
    errors: errors.map(({ message }) => message),
    hints: hints.map(({ definition, message }) => `${definition.level.name} ${definition.code}: ${message}`),
  };
}

/** Composes the subgraphs, and runs them as one by Apollo's gateway. */
export async function openSupergraph(subgraphs: readonly Subgraph[], headers: Headers = {}): Promise<Supergraph> {
  const url = await openApollo(await composed(subgraphs, headers));
  return { ask: (query, variables, own) => post(url, { query, variables }, own) };
}

/** The text of the supergraph. Throws what composition complains of. */
export async function composed(subgraphs: readonly Subgraph[], headers: Headers = {}): Promise<string> {
  const { supergraphSdl, errors } = await compose(subgraphs, headers);
  if (supergraphSdl === undefined) throw new Error(errors.join("\n"));
  return supergraphSdl;
}

async function publishedSchema(url: string, headers: Headers): Promise<string> {
  const { data } = await post(url, { query: "{ _service { sdl } }" }, headers);
  return (data as { readonly _service: { readonly sdl: string } })._service.sdl;
}

/** Sends an operation to a GraphQL endpoint, whatever stands there. */
export async function post(url: string, body: object, headers: Headers = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}
