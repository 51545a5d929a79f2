import { EVENT_FIELDS, type AuditEvent } from "../core/event.js";
import { isWithin } from "../core/instant.js";
import { eventTime } from "../core/segment/event-time.js";
import type { ExactFilter, Filter, PhraseFilter, TimeFilter } from "./ast.js";
import { searchable, type SearchableEvent } from "./searchable.js";

/** Whether an event matches a filter. Every engine must agree with this function. */
export function matches(filter: Filter, event: AuditEvent): boolean {
  return matchesSearchable(filter, searchable(event));
}

/** Like `matches`, for an event that was split into words before. */
export function matchesSearchable(filter: Filter, event: SearchableEvent): boolean {
  switch (filter.kind) {
    case "all":
      return true;
    case "phrase":
      return hasPhrase(filter, event);
    case "exact":
      return hasValue(filter, event);
    case "present":
      return event[filter.field] !== undefined;
    case "time":
      return hasTime(filter, event);
    case "and":
      return filter.filters.every((part) => matchesSearchable(part, event));
    case "or":
      return filter.filters.some((part) => matchesSearchable(part, event));
    case "not":
      return !matchesSearchable(filter.filter, event);
  }
}

function hasPhrase({ field, words, prefix }: PhraseFilter, event: SearchableEvent): boolean {
  const sought = ` ${words.join(" ")}${prefix ? "" : " "}`;
  const fields = field === undefined ? EVENT_FIELDS : [field];
  return fields.some((name) => event[name]?.words.includes(sought) ?? false);
}

function hasValue({ field, value }: ExactFilter, event: SearchableEvent): boolean {
  return event[field]?.value === value;
}

function hasTime(range: TimeFilter, { timestamp }: SearchableEvent): boolean {
  const instant = timestamp === undefined ? undefined : eventTime(timestamp.value);
  return instant !== undefined && isWithin(instant, range);
}
