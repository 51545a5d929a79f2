import { published } from "../published.js";
import { configured } from "./gateway-examples.js";
import { stopLater } from "./supergraph.js";

/** Apollo's gateway as it is published: the parts that are used here. Its own server, for both have to have one `graphql`. */
interface Server {
  stop(): Promise<void>;
}

interface Standalone {
  readonly startStandaloneServer: (server: Server, options: object) => Promise<{ readonly url: string }>;
}

interface Request {
  readonly req: { readonly headers: { readonly authorization?: string } };
}

/** Runs a supergraph by Apollo's gateway, configured as docs/federation.md says, over HTTP: answers its URL. */
export async function openApollo(supergraphSdl: string): Promise<string> {
  const { ApolloServer } = published("@apollo/server") as { readonly ApolloServer: new (options: object) => Server };
  const { startStandaloneServer } = published("@apollo/server/standalone") as Standalone;
  const { ApolloGateway, RemoteGraphQLDataSource } = published("@apollo/gateway") as Readonly<Record<string, unknown>>;
  const gateway = configured("Apollo Gateway", { ApolloGateway, RemoteGraphQLDataSource, supergraphSdl });
  const server = new ApolloServer({ gateway });
  const { url } = await startStandaloneServer(server, {
    listen: { host: "127.0.0.1", port: 0 },
    context: ({ req: { headers } }: Request) => Promise.resolve({ authorization: headers.authorization }),
  });
  stopLater(() => server.stop());
  return url;
}
