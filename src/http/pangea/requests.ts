import { eventRules } from "../../core/event-rules.js";
import { customNames, type EventSchema } from "../../core/event-schema.js";
import type { JsonObject } from "../../core/json.js";
import { MAX_PAGE_SIZE, MAX_REQUEST_EVENTS } from "../../audit/service.js";
import { ORDER_FIELDS } from "../../query/order.js";
import { MAX_RESTRICTION_VALUES, RESTRICTION_FIELDS, type Restriction } from "../../query/filter.js";
import { acceptedEvents } from "./event-json-schema.js";
import { validator, type Validator } from "./validator.js";

/** The bodies of requests by the rules of the service's OpenAPI document; unknown members are refused where it does. */

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const { limits } = eventRules("pangea");

/** An event with its author's signature, as it was sent. */
export interface WireEvent {
  readonly event: unknown;
  readonly signature?: string;
  readonly public_key?: string;
}

interface OfConfig {
  readonly config_id?: string;
}

export interface LogBody extends WireEvent, OfConfig {
  readonly verbose?: boolean;
  readonly prev_root?: string;
}

export interface LogBulkBody extends OfConfig {
  readonly events: readonly WireEvent[];
  readonly verbose?: boolean;
}

export interface RootBody extends OfConfig {
  readonly tree_size?: number;
}

export const rootBody = validator<RootBody>({
  type: "object",
  additionalProperties: false,
  properties: { config_id: TEXT, tree_size: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER } },
});

/** The most results of one search (OpenAPI document), and the default. */
export const MAX_RESULTS = 10_000;

const ORDERED = {
  order: { type: "string", enum: ["asc", "desc"] },
  order_by: { type: "string", enum: ORDER_FIELDS },
} as const;
const WINDOW = {
  start: { type: "string", format: "time-or-period" },
  end: { type: "string", format: "time-or-period" },
} as const;
const VALUES = { type: "array", minItems: 1, maxItems: MAX_RESTRICTION_VALUES, items: TEXT } as const;
/**
 * Only the search's id says which log it is for, and so which fields there are: an unknown field is in no restriction.
 */
const ASSERTED = { type: "object", additionalProperties: VALUES } as const;

function restrictionRules(custom: readonly string[]): object {
  const known = [...RESTRICTION_FIELDS, ...custom];
  const properties = Object.fromEntries(known.map((field) => [field, VALUES]));
  return { type: "object", additionalProperties: false, properties };
}

const PAGE_SIZE = { type: "integer", minimum: 1, maximum: MAX_PAGE_SIZE } as const;

/** When entries were received, and how they are sorted. */
export interface Selection {
  readonly start?: string;
  readonly end?: string;
  readonly order?: "asc" | "desc";
  readonly order_by?: (typeof ORDER_FIELDS)[number];
}

export interface SearchBody extends OfConfig, Selection {
  readonly query?: string;
  readonly limit?: number;
  readonly max_results?: number;
  readonly search_restriction?: Restriction;
  readonly verbose?: boolean;
}

export interface ResultsBody extends OfConfig {
  readonly id: string;
  readonly limit?: number;
  readonly offset?: number;
  readonly assert_search_restriction?: Restriction;
}

export const resultsBody = validator<ResultsBody>({
  type: "object",
  required: ["id"],
  properties: {
    ...{ id: TEXT, config_id: TEXT, limit: PAGE_SIZE },
    ...{ return_context: FLAG, assert_search_restriction: ASSERTED },
    offset: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
});

export interface DownloadBody extends OfConfig {
  readonly result_id?: string;
  readonly request_id?: string;
  readonly format?: "csv" | "json";
  readonly assert_search_restriction?: Restriction;
}

const FORMAT = { type: "string", enum: ["csv", "json"] } as const;

export const downloadBody = validator<DownloadBody>({
  type: "object",
  additionalProperties: false,
  properties: {
    ...{ result_id: TEXT, request_id: TEXT, config_id: TEXT, format: FORMAT },
    ...{ return_context: FLAG, assert_search_restriction: ASSERTED },
  },
});

export interface ExportBody extends OfConfig, Selection {
  readonly format?: "csv" | "json";
}

export const exportBody = validator<ExportBody>({
  type: "object",
  additionalProperties: false,
  properties: { config_id: TEXT, ...WINDOW, ...ORDERED, format: FORMAT, verbose: FLAG },
});

export const schemaBody = validator<OfConfig>({
  type: "object",
  additionalProperties: false,
  properties: { config_id: TEXT },
});

/** The request that is about to be made: nothing of it counts but the log. */
export const openApiBody = validator<OfConfig>({ type: "object", properties: { config_id: TEXT } });

/** The bodies in which a log's own fields occur. */
export interface LogBodies {
  readonly log: Validator<LogBody>;
  readonly logBulk: Validator<LogBulkBody>;
  readonly search: Validator<SearchBody>;
}

const OF_SCHEMA = new WeakMap<EventSchema, LogBodies>();
let ofStandard: LogBodies | undefined;

/** The bodies of requests about a log; its schema is compiled once. Undefined: the log has the standard fields. */
export function logBodies(schema: EventSchema | undefined): LogBodies {
  if (schema === undefined) return (ofStandard ??= madeBodies(undefined));
  const made = OF_SCHEMA.get(schema) ?? madeBodies(schema);
  OF_SCHEMA.set(schema, made);
  return made;
}

function madeBodies(schema: EventSchema | undefined): LogBodies {
  const signed = {
    event: acceptedEvents(schema),
    signature: { type: "string", maxLength: 256 },
    public_key: { type: "string", maxLength: 256 },
  };
  const item = { type: "object", required: ["event"], additionalProperties: false, properties: signed };
  const events = { type: "array", minItems: 1, maxItems: MAX_REQUEST_EVENTS, items: item };
  const prevRoot = { type: "string", pattern: "^[a-z0-9]{64}$" };
  const restriction = restrictionRules(customNames(schema));
  return {
    log: validator<LogBody>({
      ...{ type: "object", required: ["event"], additionalProperties: false },
      properties: { ...signed, config_id: TEXT, verbose: FLAG, prev_root: prevRoot },
    }),
    logBulk: validator<LogBulkBody>({
      ...{ type: "object", required: ["events"] },
      properties: { config_id: TEXT, verbose: FLAG, events },
    }),
    search: validator<SearchBody>({
      ...{ type: "object", additionalProperties: false },
      properties: {
        ...{ query: TEXT, config_id: TEXT, ...WINDOW, ...ORDERED, limit: PAGE_SIZE },
        ...{ search_restriction: restriction, verbose: FLAG, return_context: FLAG, verify_signature: FLAG },
        max_results: { type: "integer", minimum: 1, maximum: MAX_RESULTS },
      },
    }),
  };
}

/** One record of Auth0's log, with whatever else it has. */
export interface Auth0Record extends JsonObject {
  readonly date: string;
  readonly type: string;
  readonly description?: string;
  readonly client_id?: string;
  readonly user_id?: string;
  readonly ip?: string;
}

export interface LogStreamBody extends OfConfig {
  readonly logs: readonly { readonly data: Auth0Record }[];
}

/** The members that become fields of an event keep the limits of these. */
const AUTH0_RECORD = {
  type: "object",
  required: ["date", "type"],
  properties: {
    date: { type: "string", format: "date-time", maxLength: limits.timestamp.most },
    type: { type: "string", minLength: 1, maxLength: limits.action.most },
    description: { type: "string", maxLength: limits.message.most },
    client_id: { type: "string", maxLength: limits.actor.most },
    user_id: { type: "string", maxLength: limits.actor.most },
    ip: { type: "string", maxLength: limits.source.most },
  },
};

export const logStreamBody = validator<LogStreamBody>({
  type: "object",
  required: ["logs"],
  properties: {
    config_id: TEXT,
    logs: {
      ...{ type: "array", minItems: 1, maxItems: MAX_REQUEST_EVENTS },
      items: { type: "object", required: ["data"], properties: { data: AUTH0_RECORD } },
    },
  },
});
