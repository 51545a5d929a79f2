import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { DEFAULT_LOG, type AuditService } from "../audit/service.js";
import type { Settings } from "../config.js";
import { COMPILE_AT_HIT } from "../graphql/compiled-execution.js";
import { openGateway, type Gateway } from "../http/gateway.js";
import { banner } from "./banner.js";

/** How long running requests may take to finish after SIGTERM. */
const GRACE_MS = 10_000;

const GRAPHIQL_FOLDER = fileURLToPath(new URL("../../graphiql", import.meta.url));

/** Serves until SIGTERM or SIGINT, then lets what is running finish and closes the service. Sets the exit code. */
export async function serve(
  settings: Settings,
  openService: (settings: Settings) => Promise<AuditService>,
): Promise<void> {
  const service = await openService(settings);
  const gateway = await open(settings, service);
  if (gateway === undefined) {
    await service.close();
    process.exitCode = 1;
    return;
  }
  process.stdout.write(banner({ settings, url: gateway.url, verifierKey: await service.verifierKey(DEFAULT_LOG) }));
  await stopSignal();
  process.stdout.write("Stopping: running requests finish first.\n");
  await gateway.close(GRACE_MS);
  await service.close();
}

async function open(settings: Settings, service: AuditService): Promise<Gateway | undefined> {
  const { host, port, compiledExecution } = settings;
  const logger = pino({ name: "auditql" }, pino.destination({ dest: 2, sync: true }));
  try {
    const compileAtHit = compiledExecution ? COMPILE_AT_HIT : Infinity;
    return await openGateway({ host, port, service, compileAtHit, logger, graphiqlFolder: GRAPHIQL_FOLDER });
  } catch (error) {
    const sentence = addressProblem(error, settings);
    if (sentence === undefined) throw error;
    process.stderr.write(`${sentence}\n`);
    return undefined;
  }
}

function addressProblem(error: unknown, { host, port }: Settings): string | undefined {
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
