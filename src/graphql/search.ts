import { Args, Ctx, Query, Resolver, ArgsType, Field, ID, InputType, Int, registerEnumType } from "type-graphql";
import { DEFAULT_LOG, type ResultPage, type SearchRequest, type PageRequest } from "../audit/service.js";
import { withoutNulls } from "../core/json.js";
import type { Restriction } from "../query/filter.js";
import { NEWEST_FIRST, type EntryOrder, type OrderField } from "../query/order.js";
import type { TimeWindow } from "../query/time.js";
import type { AuditContext } from "./context.js";
import { EntryConnectionType } from "./entry-connection.js";
import { WindowTime } from "./window-time.js";

/** Relay's four paging arguments. Sizes and cursors are checked by the service. */
@ArgsType()
export abstract class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: "Page size from the front: 1 to 1,000. 20 if neither `first` nor `last` is given.",
  })
  abstract readonly first?: number | null;

  @Field(() => String, { nullable: true, description: "Only entries after this cursor." })
  abstract readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: "Page size from the back: 1 to 1,000. The edges keep the order of the result.",
  })
  abstract readonly last?: number | null;

  @Field(() => String, { nullable: true, description: "Only entries before this cursor." })
  abstract readonly before?: string | null;
}

export function pageRequest({ first, after, last, before }: PageArgs): PageRequest {
  return withoutNulls({ first, after, last, before });
}

@InputType("AuditTimeWindow", {
  description:
    "A window of time: from `start` (inclusive) to `end` (exclusive), or the most recent period, `last`. Each is an RFC 3339 time or relative to now, such as `7d`, `12h` or `120min`.",
})
export abstract class TimeWindowInput {
  @Field(() => String, { nullable: true, description: "The start, inclusive. Default: the log's beginning." })
  abstract readonly start?: string | null;

  @Field(() => String, { nullable: true, description: "The end, exclusive. Default: now." })
  abstract readonly end?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The most recent period, such as `7d`, in place of start and end.",
  })
  abstract readonly last?: string | null;

  @Field(() => WindowTime, {
    defaultValue: WindowTime.RECEIVED_AT,
    description: "Which of an entry's times: when it was received, or when it happened.",
  })
  abstract readonly of?: TimeWindow["of"] | null;
}

const ALLOWED = "Allowed values, compared whole and case-sensitive.";

@InputType("AuditSearchRestriction", {
  description:
    "Restricts a search in addition to its query: in each given field, an event's whole value must be one of the values. Safer than building a query from parts.",
})
export abstract class SearchRestrictionInput {
  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly actor?: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly action?: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly source?: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly status?: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly target?: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: ALLOWED })
  abstract readonly tenantId?: readonly string[] | null;
}

export const EntryOrderField = {
  RECEIVED_AT: "received_at",
  ACTOR: "actor",
  ACTION: "action",
  MESSAGE: "message",
  SOURCE: "source",
  STATUS: "status",
  TARGET: "target",
  TIMESTAMP: "timestamp",
} as const satisfies Record<Uppercase<OrderField>, OrderField>;

registerEnumType(EntryOrderField, {
  name: "AuditEntryOrderField",
  description:
    "What a search can be sorted by. Texts are compared by their first 128 characters; an absent field comes before every text.",
  valuesConfig: {
    RECEIVED_AT: { description: "When the log received it: the order of the log itself, and the fastest." },
    ACTOR: { description: "Who did it." },
    ACTION: { description: "What was done." },
    MESSAGE: { description: "What happened." },
    SOURCE: { description: "Where it came from." },
    STATUS: { description: "How it ended." },
    TARGET: { description: "What it was done to." },
    TIMESTAMP: {
      description:
        "When it happened, as the application said: the moment, not the text. Events without a time that can be read come first.",
    },
  },
});

export const OrderDirection = { ASC: "asc", DESC: "desc" } as const;

registerEnumType(OrderDirection, {
  name: "AuditOrderDirection",
  description: "Which end of an order comes first.",
  valuesConfig: {
    ASC: { description: "Smallest or oldest first." },
    DESC: { description: "Largest or newest first." },
  },
});

@InputType("AuditEntryOrder", {
  description: "How a search is sorted. Equal values are in log order, in the same direction.",
})
export abstract class EntryOrderInput {
  @Field(() => EntryOrderField, { defaultValue: EntryOrderField.RECEIVED_AT, description: "What to sort by." })
  abstract readonly field?: OrderField | null;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.DESC, description: "Which end comes first." })
  abstract readonly direction?: EntryOrder["direction"] | null;
}

/** The arguments that narrow, sort and page a search, whatever it is restricted on. */
@ArgsType()
export abstract class SearchArgs extends PageArgs {
  @Field(() => String, {
    defaultValue: "",
    description:
      'What to find: words, `"a phrase"`, `prefix*`, `field:word`, `field="whole value"`, combined with blanks (and), `OR`, `-` (not) and parentheses. Empty: all entries.',
  })
  abstract readonly query: string;

  @Field(() => TimeWindowInput, {
    nullable: true,
    description: "When entries were received, or happened. Default: the whole log.",
  })
  abstract readonly window?: TimeWindowInput | null;

  @Field(() => EntryOrderInput, { nullable: true, description: "How to sort. Default: newest first." })
  abstract readonly orderBy?: EntryOrderInput | null;

  @Field(() => Int, {
    nullable: true,
    description: "The maximum number of entries in all pages of the result, at least 1. Default: all matches.",
  })
  abstract readonly maxResults?: number | null;

  @Field(() => ID, { nullable: true, description: "The log to search. Default: `default`." })
  abstract readonly log?: string | null;
}

@ArgsType()
export abstract class RestrictedSearchArgs extends SearchArgs {
  @Field(() => SearchRestrictionInput, { nullable: true, description: "Whole values that fields must have." })
  abstract readonly restriction?: SearchRestrictionInput | null;
}

export function searchRequest({ query, window, orderBy, maxResults, log }: SearchArgs): SearchRequest {
  return {
    log: log ?? DEFAULT_LOG,
    query,
    ...withoutNulls({ window: window && withoutNulls(window), order: orderBy && orderOf(orderBy), maxResults }),
  };
}

function restrictedSearchRequest(search: RestrictedSearchArgs): SearchRequest {
  const { restriction } = search;
  return { ...searchRequest(search), ...(restriction && { restriction: restrictionOf(restriction) }) };
}

function restrictionOf({ tenantId, ...fields }: SearchRestrictionInput): Restriction {
  return withoutNulls({ ...fields, tenant_id: tenantId });
}

/** Only in compiled execution can a variable's null get this far; it means the default. */
function orderOf({ field, direction }: EntryOrderInput): EntryOrder {
  return { field: field ?? NEWEST_FIRST.field, direction: direction ?? NEWEST_FIRST.direction };
}

@Resolver()
export class SearchResolver {
  @Query(() => EntryConnectionType, {
    complexity: 1,
    description:
      "Finds entries. The result is pinned to the newest tree, so you can page through it with cursors or `results(id:)` while the log grows.",
  })
  search(
    @Ctx() { service }: AuditContext,
    @Args(() => RestrictedSearchArgs) search: RestrictedSearchArgs,
  ): Promise<ResultPage> {
    return service.search(restrictedSearchRequest(search), pageRequest(search));
  }
}
