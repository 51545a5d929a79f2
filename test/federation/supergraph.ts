import { ApolloServer, type BaseContext } from "@apollo/server";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import { startStandaloneServer } from "@apollo/server/standalone";
import { composeServices } from "@apollo/composition";
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { parse, type GraphQLFormattedError, type GraphQLSchema } from "graphql";

type Headers = Readonly<Record<string, string>>;

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

/** The headers of a client that subgraphs get to see. */
interface Forwarded extends BaseContext {
  readonly authorization?: string;
}

const running: { stop(): Promise<void> }[] = [];

/** Stops every server that was opened here. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
}

/** Serves a schema over HTTP on a free port, with what its resolvers need of a request. */
export async function openSubgraph(name: string, schema: GraphQLSchema): Promise<Subgraph> {
  const server = new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTrace()] });
  const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
  running.push(server);
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

/** Composes the subgraphs and runs them as one: Apollo's gateway, over HTTP, that forwards the client's credential. */
export async function openSupergraph(subgraphs: readonly Subgraph[], headers: Headers = {}): Promise<Supergraph> {
  const { supergraphSdl, errors } = await compose(subgraphs, headers);
  if (supergraphSdl === undefined) throw new Error(errors.join("\n"));
  const server = new ApolloServer<Forwarded>({
    gateway: new ApolloGateway({ supergraphSdl, buildService: forwarding }),
  });
  const { url } = await startStandaloneServer(server, {
    listen: { host: "127.0.0.1", port: 0 },
    context: ({ req: { headers } }) =>
      Promise.resolve(headers.authorization === undefined ? {} : { authorization: headers.authorization }),
  });
  running.push(server);
  return { ask: (query, variables, headers) => post(url, { query, variables }, headers) };
}

function forwarding({ url = "" }: { readonly url?: string }): RemoteGraphQLDataSource<Forwarded> {
  return new RemoteGraphQLDataSource<Forwarded>({
    url,
    willSendRequest({ request, context }) {
      const authorization: unknown = context["authorization"];
      if (typeof authorization === "string") request.http?.headers.set("authorization", authorization);
    },
  });
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
