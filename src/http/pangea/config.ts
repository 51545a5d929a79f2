import { AuditError } from "../../audit/errors.js";
import type { LogIdentity } from "../../audit/log-identity.js";
import { DEFAULT_LOG } from "../../audit/service.js";
import { isPlainObject } from "../../core/json.js";
import type { Ask } from "./endpoint.js";
import { logBodies, type LogBodies } from "./requests.js";
import { InvalidRequest, StatusError } from "./status.js";

/** A log as the protocol knows it. */
export interface Config {
  readonly log: string;
  readonly identity: LogIdentity;
}

/**
 * The log that a request is for: `config_id` is its name. Without one, the only log of format `pangea`, or the one
 * named `default`. Rejects if there is no such log, or if it has another format, whose hashes and proofs differ.
 */
export async function configOf({ service, shared }: Ask, configId: string | undefined): Promise<Config> {
  const log = configId ?? unnamed(shared.logs);
  const identity = await service.identity(log).catch((error: unknown) => {
    if (error instanceof AuditError && error.code === "NOT_FOUND") throw badConfig("ConfigNotExist", error.message);
    throw error;
  });
  const { name } = identity.format;
  if (name === "pangea") return { log, identity };
  const message = `the log ${log} has the format ${name}: this API serves logs of the format pangea; use GraphQL for this one`;
  throw badConfig("ConfigServiceMismatch", message);
}

/**
 * The bodies of requests about the log that this one names: those of the standard fields where it names none that there is,
 * which `configOf` refuses when the rest of the body has been checked.
 */
export async function bodiesOf({ body, service, shared }: Ask): Promise<LogBodies> {
  const named = isPlainObject(body) ? body["config_id"] : undefined;
  const log = named ?? onlyLog(shared.logs);
  if (typeof log !== "string" || !shared.logs.includes(log)) return logBodies(undefined);
  return logBodies((await service.identity(log)).schema);
}

function unnamed(logs: readonly string[]): string {
  const log = onlyLog(logs);
  if (log !== undefined) return log;
  const known = logs.length === 0 ? "this gateway keeps none" : `there are ${logs.join(", ")}`;
  throw new StatusError("BAD_USER_INPUT", "MissingConfigID", `name a log of the format pangea in config_id: ${known}`);
}

function onlyLog(logs: readonly string[]): string | undefined {
  const [only, ...others] = logs;
  if (others.length === 0) return only;
  return logs.includes(DEFAULT_LOG) ? DEFAULT_LOG : undefined;
}

function badConfig(code: string, detail: string): InvalidRequest {
  return new InvalidRequest([{ code, detail, source: "/config_id" }]);
}
