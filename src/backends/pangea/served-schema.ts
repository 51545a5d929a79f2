import { AuditError, badInput } from "../../audit/errors.js";
import { knownSchema, parseSchema, type EventSchema } from "../../core/event-schema.js";
import type { PangeaLog } from "./service.js";
import { PangeaWire, type WireOptions } from "./wire.js";

export interface DeclaredLog extends PangeaLog {
  /** Whether the service is to say the log's schema. */
  readonly isSchemaServed: boolean;
}

/**
 * The logs with the schemas that the service says they have (section 1.6, POST /v1/schema), which it is asked for once.
 * Rejects with UNAVAILABLE that is `passing` while the service cannot be reached; with BAD_USER_INPUT for the operator where
 * it says none, or one whose events this gateway could not log.
 */
export async function withServedSchemas(
  logs: readonly DeclaredLog[],
  options: WireOptions,
): Promise<readonly PangeaLog[]> {
  const wire = new PangeaWire(options);
  try {
    return await Promise.all(
      logs.map(async ({ isSchemaServed, ...log }) =>
        isSchemaServed ? { ...log, schema: await servedSchema(log, wire) } : log,
      ),
    );
  } finally {
    await wire.close();
  }
}

async function servedSchema({ log, configId }: PangeaLog, wire: PangeaWire): Promise<EventSchema> {
  const path = `the audit service's schema of the log ${log}`;
  const body = configId === undefined ? {} : { config_id: configId };
  const { result } = await wire.call("/v1/schema", body).catch((error: unknown) => {
    throw unsaid(error, path);
  });
  const parsed = parseSchema(knownSchema(result), path);
  if (parsed.kind === "valid") return parsed.schema;
  throw badInput(parsed.problems);
}

function unsaid(error: unknown, path: string): unknown {
  if (!(error instanceof AuditError)) return error;
  const { code, message, retryAfterMs } = error;
  if (code === "UNAVAILABLE" && retryAfterMs !== undefined)
    return new AuditError(code, message, { retryAfterMs, passing: path, cause: error });
  return badInput([{ path, expected: "one, or the name of a file with it in AUDITQL_LOG_SCHEMAS", got: message }]);
}
