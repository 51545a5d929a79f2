import { instantText } from "../core/instant.js";
import type { Filter, PhraseFilter, TimeFilter } from "./filter.js";

/** A filter as query text, which parseQuery reads back as the same filter in its simplest form. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case "all":
      return '""';
    case "phrase":
      return `${filter.field === undefined ? "" : `${filter.field}:`}${printPhrase(filter)}`;
    case "exact":
      return `${filter.field}="${filter.value.replace(/["\\]/g, "\\$&")}"`;
    case "present":
      return `${filter.field}:*`;
    case "time":
      return printTime(filter);
    case "and":
      return filter.filters.map((part) => (part.kind === "or" ? grouped(part) : printFilter(part))).join(" ");
    case "or":
      return filter.filters.map(printFilter).join(" OR ");
    case "not":
      return `-${filter.filter.kind === "and" || filter.filter.kind === "or" ? grouped(filter.filter) : printFilter(filter.filter)}`;
  }
}

/** A range with two ends is what two terms say. */
function printTime({ start, end }: TimeFilter): string {
  const from = start === undefined ? [] : [`timestamp>="${instantText(start) ?? ""}"`];
  const to = end === undefined ? [] : [`timestamp<"${instantText(end) ?? ""}"`];
  return [...from, ...to].join(" ");
}

function printPhrase({ words, prefix }: PhraseFilter): string {
  return `${words.length > 1 ? `"${words.join(" ")}"` : words.join("")}${prefix ? "*" : ""}`;
}

function grouped(filter: Filter): string {
  return `(${printFilter(filter)})`;
}
