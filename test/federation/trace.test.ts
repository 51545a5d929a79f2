import { ApolloServer, HeaderMap } from "@apollo/server";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import { expect, test } from "@jest/globals";
import { isObjectType, type GraphQLSchema } from "graphql";
import { CompiledExecution } from "../../src/graphql/compiled-execution.js";
import { auditContext } from "../../src/graphql/context.js";
import { requestPlugin } from "../../src/graphql/request-plugin.js";
import { auditSchema } from "../../src/graphql/schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { post } from "./supergraph.js";

const TRACED = { "apollo-federation-include-trace": "ftv1" };
const query = "{ root { treeSize hash } }";

test("the gateway answers a trace of every field to a router that asks for one, and none to others", async () => {
  const gateway = await testGateway(await openTestService());
  const traced = await post(`${gateway.url}/graphql`, { query }, TRACED);
  const other = await post(`${gateway.url}/graphql`, { query });
  await gateway.close();
  const trace = Buffer.from(String(traced.extensions?.["ftv1"]), "base64").toString("latin1");
  for (const name of ["Query", "root", "treeSize", "TreeSize!", "hash"]) expect(trace).toContain(name);
  expect(other.extensions).toBeUndefined();
  expect(traced.data).toEqual(other.data);
});

test("a trace wraps the resolvers of Apollo's schema for good, but not those that operations are compiled from", async () => {
  const [apollos, compiled] = await Promise.all([auditSchema(), auditSchema()]);
  const execution = new CompiledExecution({ schema: compiled, formatError: (formatted) => formatted, compileAtHit: 1 });
  const plugin = requestPlugin({ schema: apollos, compiled: execution });
  const apollo = new ApolloServer({ schema: apollos, plugins: [ApolloServerPluginInlineTrace(), plugin] });
  const before = { apollos: resolvers(apollos), compiled: resolvers(compiled) };
  const contextValue = auditContext(await openTestService());
  const http = { method: "POST", headers: new HeaderMap(Object.entries(TRACED)), search: "", body: {} };
  await apollo.executeOperation({ query, http }, { contextValue });
  await apollo.executeOperation({ query }, { contextValue });
  await apollo.stop();
  expect(resolvers(apollos)).not.toEqual(before.apollos);
  expect(resolvers(compiled)).toEqual(before.compiled);
});

function resolvers(schema: GraphQLSchema): readonly unknown[] {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  return types.flatMap((type) => Object.values(type.getFields()).map(({ resolve }) => resolve));
}
