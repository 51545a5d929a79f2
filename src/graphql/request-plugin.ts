import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import type { CompiledExecution } from "./compiled-execution.js";
import type { AuditContext } from "./context.js";
import { statusForJsonClients } from "./json-status.js";

export interface RequestPluginOptions {
  readonly compiled: CompiledExecution;
}

/** All that this gateway adds to Apollo's handling of a request, in one plugin: each more would cost every request. */
export function requestPlugin({ compiled }: RequestPluginOptions): ApolloServerPlugin<AuditContext> {
  const listener: GraphQLRequestListener<AuditContext> = {
    responseForOperation: (request) => compiled.respond(request),
    willSendResponse({ request, response }) {
      statusForJsonClients(request.http?.headers.get("accept") ?? "", response);
      return Promise.resolve();
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}
