import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print, type ExecutionResult, type GraphQLFormattedError } from "graphql";
import { pino } from "pino";
import type { AuditService } from "../../src/audit/service.js";
import { openGateway, type GatewayOptions } from "../../src/http/gateway.js";

/** Tests run both ways: every operation compiled at once, or none (AUDITQL_COMPILED_EXECUTION=off). */
export const compileAtHit = process.env["AUDITQL_COMPILED_EXECUTION"] === "off" ? Infinity : 1;

const SILENT = pino({ level: "silent" });

export interface TestGateway {
  readonly url: string;
  readonly service: AuditService;
  /** Data and errors of an operation of a front end. */
  run<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V): Promise<ExecutionResult<R>>;
  /** The data; throws if there were errors. */
  data<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;
  /** Data and errors of an operation written as text. */
  text(query: string, variables?: object): Promise<ExecutionResult<Record<string, unknown>>>;
  /** The one error of an operation that must fail with exactly one. */
  error(query: string, variables?: object): Promise<GraphQLFormattedError>;
  /** Lets what is being answered finish for so long. Default 1,000 ms. */
  close(graceMs?: number): Promise<void>;
}

/** Opens a gateway in front of an empty log; `close` closes it and what is behind it. */
export type OpenGateway = () => Promise<{ readonly gateway: TestGateway; readonly close: () => Promise<void> }>;

/** A gateway on a free port of this machine, with the service behind it; both end with `close`. */
export async function testGateway(
  service: AuditService,
  { logger = SILENT, compileAtHit: atHit = compileAtHit, ...options }: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const gateway = await openGateway({
    service,
    host: "127.0.0.1",
    port: 0,
    compileAtHit: atHit,
    logger,
    ...options,
    graphiqlFolder: "/nonexistent",
  });
  const post = async (query: string, variables: object = {}): Promise<unknown> => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      // A gateway with open connections lingers when it is closed.
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  };
  const run = async <R, V extends object>(document: TypedDocumentNode<R, V>, variables: V) =>
    (await post(print(document), variables)) as ExecutionResult<R>;
  return {
    url: gateway.url,
    service,
    run,
    async data(document, variables) {
      const { data, errors } = await run(document, variables);
      if (errors !== undefined || !data) throw new Error(JSON.stringify(errors));
      return data;
    },
    text: async (query, variables) => (await post(query, variables)) as ExecutionResult<Record<string, unknown>>,
    async error(query, variables) {
      const { errors = [] } = (await post(query, variables)) as { errors?: GraphQLFormattedError[] };
      const [error] = errors;
      if (error === undefined || errors.length > 1) throw new Error(`not one error: ${JSON.stringify(errors)}`);
      return error;
    },
    async close(graceMs = 1_000) {
      await gateway.close(graceMs);
      await service.close();
    },
  };
}
