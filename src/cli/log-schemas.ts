import { badInput } from "../audit/errors.js";
import type { LogDeclaration } from "../audit/log-declaration.js";
import type { EventSchema } from "../core/event-schema.js";
import type { FieldProblem } from "../core/json.js";
import { readSchema } from "./schema-file.js";
import type { Settings } from "../settings/read.js";

const SETTING = "AUDITQL_LOG_SCHEMAS";

/**
 * The logs that the settings declare, each with the schema in its file, if one is named. Rejects with BAD_USER_INPUT that
 * names every bad path of every file, and each log that cannot have what is named for it.
 */
export async function declaredLogs(settings: DeclaringSettings): Promise<readonly LogDeclaration[]> {
  const { logs, schemaPlaces } = settings.service;
  const problems: FieldProblem[] = [];
  const schemas = new Map<string, EventSchema>();
  for (const [log, place] of schemaPlaces) {
    const misplaced = misplacedSchema(log, settings);
    if (misplaced !== undefined) problems.push(misplaced);
    if (misplaced !== undefined || place.kind === "service") continue;
    const read = await readSchema(place.path, `${SETTING} ${place.path}`);
    if (read.kind === "valid") schemas.set(log, read.schema);
    else problems.push(...read.problems);
  }
  if (problems.length > 0) throw badInput(problems);
  return logs.map((declared) => {
    const schema = schemas.get(declared.log);
    return schema === undefined ? declared : { ...declared, schema };
  });
}

type DeclaringSettings = Pick<Settings, "service" | "gateway"> & {
  /** Whether a service keeps the logs, which may say their schemas. */
  readonly isServed: boolean;
};

function misplacedSchema(log: string, { service, gateway, isServed }: DeclaringSettings): FieldProblem | undefined {
  const { logs, schemaPlaces } = service;
  const wrong = (expected: string, got: string): FieldProblem => ({ path: SETTING, expected, got });
  const declared = logs.find((one) => one.log === log);
  if (declared === undefined) return wrong(`one of ${logs.map((one) => one.log).join(", ")}`, log);
  if (declared.format !== "pangea") return wrong("a log of the format pangea", `${log}, of ${declared.format}`);
  if (schemaPlaces.get(log)?.kind === "service" && !isServed)
    return wrong("a file: this gateway keeps the log itself (./service is a file of that name)", `${log}:service`);
  return log === gateway.readLog
    ? wrong("another log than AUDITQL_READ_LOG, whose events have the standard fields", log)
    : undefined;
}
