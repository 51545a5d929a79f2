import { eventRules } from "../../core/event-rules.js";
import { EVENT_FIELDS } from "../../core/event.js";
import type { JsonObject } from "../../core/json.js";
import { MAX_PAGE_SIZE, MAX_REQUEST_EVENTS } from "../../audit/service.js";
import { ORDER_FIELDS } from "../../query/order.js";
import { MAX_RESTRICTION_VALUES, RESTRICTION_FIELDS, type Restriction } from "../../query/filter.js";
import { validator } from "./validator.js";

/** The bodies of requests by the rules of the service's OpenAPI document; unknown members are refused where it does. */

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const { limits } = eventRules("pangea");

const EVENT = {
  type: "object",
  required: ["message"],
  additionalProperties: false,
  properties: Object.fromEntries(
    EVENT_FIELDS.map((field) => [
      field,
      {
        ...{ type: "string", maxLength: limits[field].most },
        ...(field === "message" && { minLength: 1 }),
        ...(field === "timestamp" && { format: "date-time" }),
      },
    ]),
  ),
};

const SIGNED_EVENT = {
  event: EVENT,
  signature: { type: "string", maxLength: 256 },
  public_key: { type: "string", maxLength: 256 },
};

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

export const logBody = validator<LogBody>({
  type: "object",
  required: ["event"],
  additionalProperties: false,
  properties: {
    ...SIGNED_EVENT,
    ...{ config_id: TEXT, verbose: FLAG },
    prev_root: { type: "string", pattern: "^[a-z0-9]{64}$" },
  },
});

export interface LogBulkBody extends OfConfig {
  readonly events: readonly WireEvent[];
  readonly verbose?: boolean;
}

export const logBulkBody = validator<LogBulkBody>({
  type: "object",
  required: ["events"],
  properties: {
    ...{ config_id: TEXT, verbose: FLAG },
    events: {
      ...{ type: "array", minItems: 1, maxItems: MAX_REQUEST_EVENTS },
      items: { type: "object", required: ["event"], additionalProperties: false, properties: SIGNED_EVENT },
    },
  },
});

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
const RESTRICTION = {
  type: "object",
  additionalProperties: false,
  properties: Object.fromEntries(
    RESTRICTION_FIELDS.map((field) => [
      field,
      { type: "array", minItems: 1, maxItems: MAX_RESTRICTION_VALUES, items: TEXT },
    ]),
  ),
};
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

export const searchBody = validator<SearchBody>({
  type: "object",
  additionalProperties: false,
  properties: {
    ...{ query: TEXT, config_id: TEXT, ...WINDOW, ...ORDERED, limit: PAGE_SIZE },
    ...{ search_restriction: RESTRICTION, verbose: FLAG, return_context: FLAG, verify_signature: FLAG },
    max_results: { type: "integer", minimum: 1, maximum: MAX_RESULTS },
  },
});

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
    ...{ return_context: FLAG, assert_search_restriction: RESTRICTION },
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
    ...{ return_context: FLAG, assert_search_restriction: RESTRICTION },
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
