import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { auditContext } from "../../src/graphql/context.js";
import { auditSchema } from "../../src/graphql/schema.js";
import { noOpService } from "../gateway/no-op-service.js";

/** A run of this file serves our schema over a service that does nothing, as Apollo Server is set up by its own guide. */
const server = new ApolloServer({ schema: await auditSchema() });
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: 0 },
  context: () => Promise.resolve(auditContext(noOpService)),
});
process.stdout.write(`${new URL("/graphql", url).href}\n`);
process.once("SIGTERM", () => {
  void server.stop();
});
