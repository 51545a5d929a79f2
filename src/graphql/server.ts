import { ApolloServer } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import type { Logger } from "pino";
import { CompiledExecution } from "./compiled-execution.js";
import type { AuditContext } from "./context.js";
import { errorFormatter, type FailureLog } from "./errors.js";
import { LIMITS, limitRules } from "./limits.js";
import { PersistedDocuments } from "./persisted-documents.js";
import { inlineTrace, requestPlugin } from "./request-plugin.js";
import { auditSchema, executedSchema } from "./schema.js";

export interface GraphqlServerOptions {
  readonly logger: Logger;
  /** The request from which an operation is executed as a compiled function; Infinity: never. */
  readonly compileAtHit: number;
  /** SchemaOptions.prefix. */
  readonly prefix?: string | undefined;
}

/** The GraphQL server without a transport, not yet started. */
export async function graphqlServer({
  logger,
  compileAtHit,
  prefix,
}: GraphqlServerOptions): Promise<ApolloServer<AuditContext>> {
  const formatError = errorFormatter(failureLog(logger));
  const schema = await auditSchema({ prefix });
  return new ApolloServer<AuditContext>({
    schema,
    formatError,
    logger,
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: { cache: new PersistedDocuments() },
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxLexicalTokens: LIMITS.tokens },
    validationRules: [...limitRules],
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      inlineTrace,
      requestPlugin({
        schema,
        compiled: new CompiledExecution({ schema: await executedSchema(prefix), formatError, compileAtHit }),
      }),
    ],
  });
}

/** Messages may quote a payload, so the log gets an error's kind and where it was thrown, not its message. */
export function failureLog(logger: Logger): FailureLog {
  return ({ code, error, shown }) => {
    const kind = error instanceof Error ? error.name : typeof error;
    const at = error instanceof Error ? error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) : undefined;
    const { id, log, leafIndex } = shown.extensions ?? {};
    logger.error({ code, id, log, leafIndex, path: shown.path, kind, at }, "request failed");
  };
}
