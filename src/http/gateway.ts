import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { Access } from "../access/authenticate.js";
import { readLog } from "../access/disclosure-log.js";
import type { IntrospectionPolicy } from "../access/introspection.js";
import { isLoopback } from "../access/loopback.js";
import type { MetricsPolicy } from "../access/metrics-policy.js";
import { withoutCredentials } from "../access/open-access.js";
import type { EventRateSettings } from "../access/rate.js";
import type { TextCache } from "../audit/cache.js";
import { DEFAULT_LOG, type AuditService } from "../audit/service.js";
import { graphqlServer } from "../graphql/server.js";
import { Subscriptions } from "../graphql/subscriptions.js";
import type { TrustedDocuments } from "../graphql/trusted-documents.js";
import { warmUp } from "../graphql/warm-up.js";
import { TokenSealer } from "../keys/sealed-token.js";
import { Metrics } from "../operations/metrics.js";
import { admission } from "./admission.js";
import { MAX_BODY_BYTES } from "./body.js";
import { cors, requireClosed } from "./cors.js";
import { linkMaker } from "./download-links.js";
import { httpHandler } from "./handler.js";
import { listen, type Address } from "./listener.js";
import { OpenStreams, STREAM_LIMITS, type StreamLimits } from "./open-streams.js";
import { pageOrigins } from "./page-origins.js";
import { Readiness, type EngineHealth } from "./readiness.js";
import { RecordedSubscriptions } from "./recorded-subscriptions.js";
import { Refusals } from "./refusals.js";
import { Slots } from "./slots.js";
import { readStaticFiles } from "./static-files.js";
import { streamAdmission } from "./stream-admission.js";
import { WebSockets } from "./websocket.js";

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_DOWNLOADS = 8;
const SECRET_BYTES = 32;

export interface GatewayOptions extends Address {
  /** Stays the caller's: close it after the gateway. */
  readonly service: AuditService;
  readonly logger: Logger;
  /** The request of an operation from which on it is executed as a compiled function; Infinity: never. */
  readonly compileAtHit: number;
  /** The folder of GraphiQL's built files. */
  readonly graphiqlFolder: string;
  readonly maxBodyBytes?: number;
  /** Default: that of the service alone. */
  readonly health?: EngineHealth;
  /** Default: an empty set. */
  readonly metrics?: Metrics;
  /** Default: `admin`. */
  readonly metricsPolicy?: MetricsPolicy;
  /** How people are let in. Default: without credentials, which only a loopback host may do. */
  readonly access?: Access;
  /** Default: no limit. */
  readonly eventRate?: EventRateSettings;
  /** The log that readings are recorded in, and nothing else is. Default: they are not recorded. */
  readonly readLog?: string;
  /** Default: those of STREAM_LIMITS. */
  readonly streamLimits?: Partial<StreamLimits>;
  /** How long an operation may be executed. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Who may ask what the schema is. Default: everyone where no credentials are asked for, else whoever has one. */
  readonly introspection?: IntrospectionPolicy;
  /** Whose web pages may read answers. Default: none but this gateway's own. */
  readonly corsOrigins?: readonly string[];
  /** The only documents that are executed. Default: any. */
  readonly trusted?: TrustedDocuments;
  /** Makes the links to downloads; one key for all gateways of a deployment. Default: one of this process alone. */
  readonly sealer?: TokenSealer;
  /** Where clients find this gateway, for links. Default: its own address on loopback, else links are relative. */
  readonly publicUrl?: string;
  /** How many downloads may be sent at once. Default 8. */
  readonly maxDownloads?: number;
  /** Where documents are kept that clients register by their hash. Default: in this process. */
  readonly texts?: TextCache;
}

export interface Gateway {
  /** `http://host:port` as a client on this machine writes it. */
  readonly url: string;
  /** Answers what is running, for at most `graceMs`, and stops. */
  close(graceMs: number): Promise<void>;
}

/** Serves an audit service over GraphQL and HTTP until closed. Rejects with an AccessError where it would be open to others. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { service, logger, host, compileAtHit, eventRate, corsOrigins = [], trusted } = options;
  const access = options.access ?? withoutCredentials(host);
  const readings = options.readLog === undefined ? undefined : readLog(service, options.readLog);
  const door = { access, service, logger, readLog: readings };
  requireClosed(corsOrigins, access);
  const introspection = options.introspection ?? (access.kind === "open" ? "everyone" : "authenticated");
  const apollo = await graphqlServer({ logger, compileAtHit, texts: options.texts });
  await apollo.start();
  if (trusted !== undefined) await warmUp(apollo, service, trusted.texts);
  const streams = new OpenStreams({ ...STREAM_LIMITS, ...options.streamLimits });
  const sealer = options.sealer ?? new TokenSealer(randomBytes(SECRET_BYTES));
  const metrics = options.metrics ?? new Metrics();
  metrics.watchOpenStreams(() => streams.count);
  const subscriptions = await Subscriptions.open(logger, { trusted, suggests: introspection === "everyone" });
  const tail = {
    subscriptions: new RecordedSubscriptions(subscriptions, { metrics, logger }),
    streams,
    admitStream: streamAdmission(door),
    ...{ logger, refusals: new Refusals({ metrics, logger }) },
  };
  const webSockets = new WebSockets({ ...tail, access, admitPage: pageOrigins(corsOrigins, options.publicUrl) });
  const readiness = new Readiness(options.health ?? healthOf(service));
  const handler = httpHandler({
    ...tail,
    apollo,
    ...{ door, sealer, slowMs: streams.limits.slowMs },
    slots: new Slots(options.maxDownloads ?? MAX_DOWNLOADS, "downloads"),
    downloadLinks: linkMaker({ sealer, baseUrl: () => options.publicUrl ?? (isLoopback(host) ? url : "") }),
    admit: admission({ ...door, eventRate }),
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    introspection,
    cors: cors(corsOrigins),
    trusted,
    graphiql: await readStaticFiles(options.graphiqlFolder),
    readiness,
    metrics,
    metricsPolicy: options.metricsPolicy ?? "admin",
  });
  const listener = await listen(handler, webSockets.upgrade, options);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  return {
    url,
    async close(graceMs) {
      readiness.drain();
      streams.drain();
      await Promise.all([webSockets.drain(graceMs), listener.drain(graceMs)]);
      await apollo.stop();
    },
  };
}

function healthOf(service: AuditService): EngineHealth {
  return { probe: () => service.root(DEFAULT_LOG).then(() => []) };
}
