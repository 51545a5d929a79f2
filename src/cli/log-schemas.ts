import { readFile, stat } from "node:fs/promises";
import { badInput, hasCode } from "../audit/errors.js";
import type { LogDeclaration } from "../audit/log-declaration.js";
import { parseSchema, type EventSchema } from "../core/event-schema.js";
import type { FieldProblem } from "../core/json.js";
import { parseLossless } from "../core/lossless-json.js";
import type { Settings } from "../settings/read.js";

const SETTING = "AUDITQL_LOG_SCHEMAS";
/** Of all fields with the longest names and descriptions, several times. */
const MAX_SCHEMA_BYTES = 2 ** 20;

/**
 * The logs that the settings declare, each with the schema in its file, if one is named. Rejects with BAD_USER_INPUT that
 * names every bad path of every file.
 */
export async function declaredLogs({ service, gateway }: DeclaringSettings): Promise<readonly LogDeclaration[]> {
  const { logs, schemaFiles } = service;
  const problems: FieldProblem[] = [];
  const schemas = new Map<string, EventSchema>();
  for (const [log, path] of schemaFiles) {
    const misplaced = misplacedSchema(log, logs, gateway.readLog);
    if (misplaced !== undefined) {
      problems.push(misplaced);
      continue;
    }
    const read = await readSchema(path);
    if (read.kind === "valid") schemas.set(log, read.schema);
    else problems.push(...read.problems);
  }
  if (problems.length > 0) throw badInput(problems);
  return logs.map((declared) => {
    const schema = schemas.get(declared.log);
    return schema === undefined ? declared : { ...declared, schema };
  });
}

type DeclaringSettings = Pick<Settings, "service" | "gateway">;

function misplacedSchema(
  log: string,
  logs: readonly LogDeclaration[],
  readLog: string | undefined,
): FieldProblem | undefined {
  const wrong = (expected: string, got: string): FieldProblem => ({ path: SETTING, expected, got });
  const declared = logs.find((one) => one.log === log);
  if (declared === undefined) return wrong(`one of ${logs.map((one) => one.log).join(", ")}`, log);
  if (declared.format !== "pangea") return wrong("a log of the format pangea", `${log}, of ${declared.format}`);
  return log === readLog
    ? wrong("another log than AUDITQL_READ_LOG, whose events have the standard fields", log)
    : undefined;
}

async function readSchema(path: string): Promise<ReturnType<typeof parseSchema>> {
  const unread = (expected: string, got: string) =>
    ({ kind: "invalid", problems: [{ path: `${SETTING} ${path}`, expected, got }] }) as const;
  try {
    const { size } = await stat(path);
    if (size > MAX_SCHEMA_BYTES) return unread(`at most ${MAX_SCHEMA_BYTES} bytes`, `${size}`);
    return parseSchema(parseLossless(await readFile(path, "utf8")), path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return unread("a file", "none");
    return unread("a JSON document that can be read", String(error));
  }
}
