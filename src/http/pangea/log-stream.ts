import { exceedsCharacters } from "../../core/event.js";
import { eventRules } from "../../core/event-rules.js";
import { canonicalJson, type JsonObject } from "../../core/json.js";
import { configOf } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import { logStreamBody, type Auth0Record } from "./requests.js";
import { InvalidRequest } from "./status.js";

/**
 * POST /v1/log_stream with what Auth0 sends (`$.logs[*].data`, protocol section 1.6): each record is an event of the
 * standard schema, with the whole record as canonical JSON in `new`.
 */
export async function serveLogStream(ask: Ask): Promise<Outcome> {
  const { logs, config_id } = logStreamBody(ask.body);
  const { log, identity } = await configOf(ask, config_id);
  if (identity.schema !== undefined) throw otherSchema(log);
  requireSmall(logs);
  const events = logs.map(({ data }) => ({ event: eventOf(data) }));
  await ask.service.append({ log, events, sign: false, path: "events", ...ask.key });
  return { kind: "success", summary: `Logged ${logs.length} record(s)`, result: {} };
}

function eventOf(data: Auth0Record): object {
  const { type, description = "", user_id, client_id, ip, date } = data;
  return {
    message: description === "" ? type : description,
    action: type,
    actor: user_id === undefined || user_id === "" ? client_id : user_id,
    source: ip,
    timestamp: date,
    new: canonicalJson(data),
  };
}

const MAX_RECORD_CHARACTERS = eventRules("pangea").limits.new.most;

function requireSmall(logs: readonly { readonly data: JsonObject }[]): void {
  const problems = logs.flatMap(({ data }, i) => {
    if (!exceedsCharacters(canonicalJson(data), MAX_RECORD_CHARACTERS)) return [];
    const detail = `expected at most ${MAX_RECORD_CHARACTERS} characters as canonical JSON, got more`;
    return [{ code: "AboveMaxLength", detail, source: `/logs/${i}/data` }];
  });
  if (problems.length > 0) throw new InvalidRequest(problems);
}

function otherSchema(log: string): InvalidRequest {
  const detail = `expected a log with the standard fields, which Auth0's records become, got ${log}, which has a schema`;
  return new InvalidRequest([{ code: "ConfigServiceMismatch", detail, source: "/config_id" }]);
}
