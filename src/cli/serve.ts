import { pino, type Logger } from "pino";
import { openAccess } from "../access/open-access.js";
import type { Alarm } from "../audit/alarm.js";
import { DEFAULT_LOG } from "../audit/service.js";
import type { Gateway } from "../http/gateway.js";
import type { TokenSealer } from "../keys/sealed-token.js";
import { countedAlarms } from "../operations/counted-alarms.js";
import { Metrics } from "../operations/metrics.js";
import { alsoToSdk } from "../operations/otel-logs.js";
import { traced } from "../operations/tracing.js";
import type { Settings } from "../settings/read.js";
import { banner } from "./banner.js";
import { OpeningEngine, type Engine } from "./opening.js";

/** Lines are written some at a time, or each would cost as much as what it tells of; the rest when the process ends. */
const LOG_DESTINATION = { dest: 2, sync: false, minLength: 4_096, periodicFlush: 200 };

/** How long stopping may take in all after SIGTERM: containers are killed ten seconds after it. */
const STOP_MS = 9_500;
/** How much of that running requests may take to finish. */
const GRACE_MS = 8_000;

const FAILED = 1;

/** What a gateway has before its store is open, and how it opens it. */
export interface EnginePlan {
  /** Of the deployment's key: what one gateway seals, each opens. */
  readonly sealer: TokenSealer;
  /** What the engine stands on, in a few words. Default: the database. */
  readonly waitsFor?: string;
  /** Rejects with an AuditError that says what is `passing` where trying again may help; then it may be called again. */
  open(): Promise<Engine>;
}

/** Where the engines tell what an operator should know. */
export interface Operator {
  /** Writes a line of the level error, and counts it. */
  readonly alarm: Alarm;
  readonly warn: (message: string) => void;
  readonly note: (message: string) => void;
  /** For what cannot be mended in this process: writes one line, and ends it with exit code 1. What was acknowledged is kept. */
  readonly fatal: (error: Error) => void;
  readonly metrics: Metrics;
}

export type PlanEngine = (settings: Settings, operator: Operator) => Promise<EnginePlan>;

/**
 * Listens at once, and serves as soon as the engine is open. At SIGTERM or SIGINT lets what is running finish and closes the
 * engine; after `stopMs` the process ends without that, and at once where the engine is not open. Sets the exit code. Rejects
 * with the reason when the engine cannot be opened before somebody changes something.
 */
export async function serve(settings: Settings, planEngine: PlanEngine, stopMs = STOP_MS): Promise<void> {
  const logger = pino({ name: "auditql", level: settings.logLevel }, alsoToSdk(pino.destination(LOG_DESTINATION)));
  const metrics = new Metrics();
  const warn = (message: string): void => {
    logger.warn(message);
  };
  const access = await openAccess({ host: settings.listener.host, ...settings.access, warn });
  const plan = await planEngine(settings, operatorOf(logger, metrics));
  const stopped = stopSignal();
  // The store's threads open their files while this one loads GraphQL.
  const opening = new OpeningEngine(() => plan.open(), logger, plan.waitsFor);
  const service = traced(countedAlarms(opening.service, metrics), "audit");
  let gateway: Gateway | undefined;
  let isOpen: boolean | undefined;
  try {
    const { openConfiguredGateway } = await import("./configured-gateway.js");
    const parts = { service, health: opening.health, access, logger, metrics, sealer: plan.sealer };
    gateway = await openConfiguredGateway(settings, parts);
    isOpen = await Promise.race([opening.opened.then(() => true), stopped.then(() => false)]);
    if (isOpen) {
      const { verifierKey } = await service.identity(DEFAULT_LOG);
      process.stdout.write(banner({ store: settings.storage.store, access, url: gateway.url, verifierKey }));
      await stopped;
    }
    endInTime(stopMs);
    process.stdout.write("Stopping: running requests finish first.\n");
  } catch (error) {
    const sentence = addressProblem(error, settings.listener);
    if (sentence === undefined) throw error;
    process.stderr.write(`${sentence}\n`);
    process.exitCode = FAILED;
  } finally {
    await gateway?.close(GRACE_MS);
    // An attempt to open the engine may be under way, and is not waited for: nothing was acknowledged here.
    if (isOpen === false) process.exit();
    await opening.close();
  }
}

function operatorOf(logger: Logger, metrics: Metrics): Operator {
  return {
    metrics,
    alarm: (message, code) => {
      metrics.alarm(code);
      logger.error({ code }, message);
    },
    warn: (message) => {
      logger.warn(message);
    },
    note: (message) => {
      logger.info(message);
    },
    fatal: (error) => {
      logger.fatal({ err: error.cause }, error.message);
      process.exit(FAILED);
    },
  };
}

/** A store that does not answer is not waited for: what it acknowledged is kept, whenever the process ends. */
function endInTime(stopMs: number): void {
  const end = (): void => {
    process.stderr.write(
      "Stopped without waiting for what did not end in time. What was acknowledged is in the log.\n",
    );
    process.exit();
  };
  setTimeout(end, stopMs).unref();
}

function addressProblem(error: unknown, { host, port }: Settings["listener"]): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is taken by another program: stop it, or choose another port with AUDITQL_PORT or --port.`;
    case "EACCES":
      return `Port ${port} on ${host} may not be taken by this user: choose one above 1023 with AUDITQL_PORT or --port.`;
    case "EADDRNOTAVAIL":
      return `This machine has no address ${host}: choose another with AUDITQL_HOST or --host.`;
    default:
      return undefined;
  }
}

/** The first signal; a second one ends the process as if nothing listened for it. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      resolve();
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
  });
}
