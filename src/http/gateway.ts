import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { Access } from "../access/authenticate.js";
import { readLog } from "../access/disclosure-log.js";
import { isLoopback, type IntrospectionPolicy } from "../audit/principal.js";
import { MAX_BODIES_BYTES, METRICS_POLICY, REQUEST_TIMEOUT_MS } from "../access/limits.js";
import type { MetricsPolicy } from "../access/metrics-policy.js";
import { withoutCredentials } from "../access/open-access.js";
import { EventRate, type EventRateSettings } from "../access/rate.js";
import { DEFAULT_LOG, type AuditService } from "../audit/service.js";
import { graphqlServer } from "../graphql/server.js";
import { Subscriptions } from "../graphql/subscriptions.js";
import type { TrustedDocuments } from "../graphql/trusted-documents.js";
import { warmUp } from "../graphql/warm-up.js";
import { TokenSealer } from "../keys/sealed-token.js";
import { Metrics } from "../operations/metrics.js";
import { admission } from "./admission.js";
import { BODY_BUDGET, MAX_BODY_BYTES, BodyBudget } from "./body.js";
import { allowOrigins, requireClosed } from "./cors.js";
import { downloadsDoor } from "./downloads/door.js";
import { linkMaker } from "./downloads/link-maker.js";
import type { ReadRate } from "./downloads/read-rate.js";
import { graphqlDoor, execution } from "./graphql/door.js";
import { operationsDoor } from "./operations/door.js";
import { Readiness, httpServer, type EngineHealth } from "./server.js";
import { pagesDoor, type PageFolders } from "./pages.js";
import { pangeaDoor } from "./pangea/door.js";
import { Refusals } from "./refusal.js";
import { refuseOthers } from "./refusing.js";
import { listen, type Address } from "./listening.js";
import { eventStreams } from "./streams/event-stream.js";
import { OpenStreams, STREAM_LIMITS, type StreamLimits } from "./streams/open-streams.js";
import { pageOrigins } from "./streams/page-origins.js";
import { RecordedOperations } from "./streams/recorded-operations.js";
import { streamAdmission } from "./streams/stream-holder.js";
import { streamTokensDoor } from "./streams/stream-token.js";
import { webSockets } from "./streams/websocket.js";
import { WebSocketSessions } from "./streams/websocket-sessions.js";

const SECRET_BYTES = 32;

/** What is served, and where its health and metrics are reported. */
interface ServedParts {
  /** Stays the caller's: close it after the gateway. */
  readonly service: AuditService;
  readonly logger: Logger;
  /** The service's logs of format `pangea`, which the Pangea protocol serves. Default: none is served without its name. */
  readonly pangeaLogs?: readonly string[] | undefined;
  /** Default: that of the service alone. */
  readonly health?: EngineHealth | undefined;
  /** Default: an empty set. */
  readonly metrics?: Metrics | undefined;
  /** Default: METRICS_POLICY. */
  readonly metricsPolicy?: MetricsPolicy | undefined;
}

/** Who is admitted, from where. */
interface AccessParts {
  /** How clients authenticate. Default: not at all, which only a loopback host allows. */
  readonly access?: Access | undefined;
  /** Default: no limit. */
  readonly eventRate?: EventRateSettings | undefined;
  /** The log in which reads are recorded, and nothing else. Default: reads are not recorded. */
  readonly readLog?: string | undefined;
  /** The sites whose pages may read responses. Default: none but this gateway's own pages. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** The proxies whose X-Forwarded-For is trusted. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Where clients find this gateway, for links. Default: its own address on loopback, else links are relative. */
  readonly publicUrl?: string | undefined;
}

/** How GraphQL is executed. */
interface GraphqlParts {
  /** From this request of an operation on, counted from 1, it is executed as a compiled function; Infinity: never. */
  readonly compileAtHit: number;
  readonly maxBodyBytes?: number | undefined;
  /** How many bytes of request bodies may be held at once. Default: MAX_BODIES_BYTES. */
  readonly maxBodiesBytes?: number | undefined;
  /** How long an operation may be executed. Default: REQUEST_TIMEOUT_MS. */
  readonly requestTimeoutMs?: number | undefined;
  /** Who may query the schema. Default: everyone on a gateway without credentials, else everyone with a valid one. */
  readonly introspection?: IntrospectionPolicy | undefined;
  /** The prefix of root fields for a router: SchemaOptions.prefix. Default: none. */
  readonly subgraphPrefix?: string | undefined;
  /** The only documents that are executed. Default: any. */
  readonly trusted?: TrustedDocuments | undefined;
  /** Default: those of STREAM_LIMITS. */
  readonly streamLimits?: Partial<StreamLimits> | undefined;
}

/** Files: those of the pages, and whole results. */
interface FileParts extends PageFolders {
  /**
   * Seals the links to downloads, with one key for all gateways of a deployment. Default: a key of this process alone.
   */
  readonly sealer?: TokenSealer | undefined;
  /** How many downloads may be sent at once. Default 8. */
  readonly maxDownloads?: number | undefined;
  /** How fast a download must be read. Default: READ_RATE. */
  readonly readRate?: ReadRate | undefined;
}

export interface GatewayOptions extends Address, ServedParts, AccessParts, GraphqlParts, FileParts {}

export interface Gateway {
  /** `http://host:port` as a client on this machine writes it. */
  readonly url: string;
  /** Finishes running requests, for at most `graceMs`, and stops. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves an audit service over GraphQL and HTTP until closed. Rejects with an AccessError if it would be open to
 * others.
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { service, logger, host, compileAtHit, corsOrigins = [], trusted, subgraphPrefix: prefix } = options;
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS, maxDownloads, readRate, metrics = new Metrics() } = options;
  const access = options.access ?? withoutCredentials(host);
  const readings = options.readLog === undefined ? undefined : readLog(service, options.readLog);
  const eventRate = options.eventRate && new EventRate(options.eventRate);
  const door = { access, service, logger, readLog: readings, eventRate };
  requireClosed(corsOrigins, access);
  const introspection = options.introspection ?? (access.kind === "open" ? "everyone" : "authenticated");
  const apollo = await graphqlServer({ logger, compileAtHit, prefix });
  await apollo.start();
  if (trusted !== undefined) await warmUp(apollo, service, trusted.texts);
  const streams = new OpenStreams({ ...STREAM_LIMITS, ...options.streamLimits });
  const sealer = options.sealer ?? new TokenSealer(randomBytes(SECRET_BYTES));
  metrics.watch("auditql_open_streams", "Subscriptions that are open.", () => streams.count);
  const suggests = introspection === "everyone";
  const subscriptions = await Subscriptions.open(logger, { trusted, prefix, suggests });
  const readiness = new Readiness(options.health ?? healthOf(service));
  const refusals = new Refusals({ metrics, logger });
  const maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const { slowMs, maxStreams } = streams.limits;
  const shared = { ...{ logger, metrics, readiness, refusals, slowMs, sealer }, admit: admission(door) };
  const baseUrl = () => options.publicUrl ?? (isLoopback(host) ? url : "");
  const downloadLinks = linkMaker({ sealer, baseUrl });
  const execute = execution({ apollo, downloadLinks, introspection, refusals, metrics, logger });
  const executing = { execute, requestTimeoutMs, trusted };
  const tail = {
    ...{ logger, readiness, refusals, streams },
    operations: new RecordedOperations({ ...executing, subscriptions, metrics, logger }),
    admitStream: streamAdmission(door, sealer),
  };
  const { app, upgrades } = httpServer({ maxBodyBytes, readiness, refusals, trustedProxies: options.trustedProxies });
  app.decorate(BODY_BUDGET, new BodyBudget(options.maxBodiesBytes ?? MAX_BODIES_BYTES, maxBodyBytes));
  allowOrigins(app, corsOrigins);
  refuseOthers(app, { logger, refusals, maxBodyBytes, slowMs });
  await app.register(named(graphqlDoor), { ...shared, ...executing });
  const served = { ...shared, downloadLinks, requestTimeoutMs };
  await app.register(named(pangeaDoor), { ...served, baseUrl, maxBodyBytes, logs: options.pangeaLogs ?? [] });
  await app.register(named(streamTokensDoor), shared);
  const admitPage = pageOrigins(corsOrigins, options.publicUrl);
  await app.register(named(eventStreams), { ...tail, admitPage });
  const sessions = new WebSocketSessions(maxStreams);
  await app.register(named(webSockets), { ...tail, access, admitPage, sessions, upgrades });
  await app.register(named(downloadsDoor), { ...shared, door, maxDownloads, readRate });
  await app.register(named(pagesDoor), { folders: options, slowMs });
  await app.register(named(operationsDoor), { ...shared, metricsPolicy: options.metricsPolicy ?? METRICS_POLICY });
  await app.ready();
  const listener = await listen(app, options);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  return {
    url,
    async close(graceMs) {
      readiness.drain();
      streams.drain();
      await Promise.all([sessions.drain(graceMs), listener.drain(graceMs)]);
      await app.close();
      await apollo.stop();
    },
  };
}

/** Without a name, Fastify compares a plugin with every module that is loaded: in Jest, 0.1 s for each gateway. */
function named<Door extends (...options: never[]) => unknown>(door: Door): Door {
  return Object.assign(door, { [Symbol.for("fastify.display-name")]: door.name });
}

function healthOf(service: AuditService): EngineHealth {
  return { probe: () => service.root(DEFAULT_LOG).then(() => []) };
}
