import type { Logger } from "pino";
import { DEFAULT_LOG, type AuditService } from "../audit/service.js";
import { auditContext } from "../graphql/context.js";
import { graphqlServer } from "../graphql/server.js";
import { MAX_BODY_BYTES } from "./body.js";
import { httpHandler } from "./handler.js";
import { listen, type Address } from "./listener.js";
import { readStaticFiles } from "./static-files.js";

export interface GatewayOptions extends Address {
  /** Stays the caller's: close it after the gateway. */
  readonly service: AuditService;
  readonly logger: Logger;
  /** The request of an operation from which on it is executed as a compiled function; Infinity: never. */
  readonly compileAtHit: number;
  /** The folder of GraphiQL's built files. */
  readonly graphiqlFolder: string;
  readonly maxBodyBytes?: number;
}

export interface Gateway {
  /** `http://host:port` as a client on this machine writes it. */
  readonly url: string;
  /** Answers what is running, for at most `graceMs`, and stops. */
  close(graceMs: number): Promise<void>;
}

/** Serves an audit service over GraphQL and HTTP until closed. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { service, logger, host, compileAtHit } = options;
  const apollo = await graphqlServer({ logger, compileAtHit });
  await apollo.start();
  const handler = httpHandler({
    apollo,
    logger,
    context: () => auditContext(service),
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    graphiql: await readStaticFiles(options.graphiqlFolder),
    ready: () => answers(service),
  });
  const listener = await listen(handler, options);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}`,
    async close(graceMs) {
      await listener.drain(graceMs);
      await apollo.stop();
    },
  };
}

async function answers(service: AuditService): Promise<boolean> {
  return service.root(DEFAULT_LOG).then(
    () => true,
    () => false,
  );
}
