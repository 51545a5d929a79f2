import { COLUMNS, FIRST_COLUMNS, type Column } from "./column.js";
import type { AuditEntryOrderField, AuditTimeWindow } from "./generated/operations.js";

export type Period =
  | { readonly kind: "all" }
  | { readonly kind: "last"; readonly last: string }
  /** RFC 3339 times; the empty text: no bound. */
  | { readonly kind: "between"; readonly start: string; readonly end: string };

export interface Sorting {
  readonly field: AuditEntryOrderField;
  readonly direction: "ASC" | "DESC";
}

/** What is looked at. On the page at / all of it is in the address, so that a link or the back button leads to it again. */
export interface View {
  /** The empty text: the gateway's default log. */
  readonly log: string;
  readonly query: string;
  readonly period: Period;
  readonly of: "RECEIVED_AT" | "TIMESTAMP";
  readonly sorting: Sorting;
  readonly columns: readonly Column[];
  /** Whether the most frequent values of the result are beside the table. */
  readonly values: boolean;
  /** The leaf index of the entry that is open. */
  readonly entry: number | undefined;
}

/** Changes the view. `replace`: without a step for the back button, where each change alone is none. */
export type Navigate = (change: Partial<View>, step?: "push" | "replace") => void;

const NEWEST_FIRST: Sorting = { field: "RECEIVED_AT", direction: "DESC" };

const SORTABLE: Readonly<Partial<Record<Column, AuditEntryOrderField>>> = {
  ...{ receivedAt: "RECEIVED_AT", timestamp: "TIMESTAMP" },
  ...{ actor: "ACTOR", action: "ACTION", target: "TARGET", source: "SOURCE", status: "STATUS", message: "MESSAGE" },
};

/** The order by a column; undefined where the API has none. */
export function sortingField(column: Column): AuditEntryOrderField | undefined {
  return SORTABLE[column];
}

export function isNewestFirst({ field, direction }: Sorting): boolean {
  return field === "RECEIVED_AT" && direction === "DESC";
}

/** Reads the query string of an address. What is not understood counts as absent. */
export function readView(search: string): View {
  const said = new URLSearchParams(search);
  const text = (name: string): string => said.get(name) ?? "";
  const columns = text("columns")
    .split(",")
    .flatMap((name) => COLUMNS.filter((column) => column === name));
  const entry = /^\d{1,16}$/.test(text("entry")) ? Number(text("entry")) : undefined;
  return {
    log: text("log"),
    query: text("q"),
    period: readPeriod(text),
    of: text("of") === "event" ? "TIMESTAMP" : "RECEIVED_AT",
    sorting: readSorting(text("sort")),
    columns: columns.length === 0 ? FIRST_COLUMNS : [...new Set(columns)],
    values: text("values") === "shown",
    entry: Number.isSafeInteger(entry) ? entry : undefined,
  };
}

/** The query string that `readView` reads, without what is as it is at first; the empty text where all of it is. */
export function writeView({ log, query, period, of, sorting, columns, values, entry }: View): string {
  const parts: readonly (readonly [name: string, value: string])[] = [
    ["log", log],
    ["q", query],
    ["last", period.kind === "last" ? period.last : ""],
    ["from", period.kind === "between" ? period.start : ""],
    ["to", period.kind === "between" ? period.end : ""],
    ["of", of === "TIMESTAMP" ? "event" : ""],
    ["sort", isNewestFirst(sorting) ? "" : writeSorting(sorting)],
    ["columns", columns.join() === FIRST_COLUMNS.join() ? "" : columns.join()],
    ["values", values ? "shown" : ""],
    ["entry", entry === undefined ? "" : String(entry)],
  ];
  const said = new URLSearchParams();
  for (const [name, value] of parts) if (value !== "") said.set(name, value);
  return said.size === 0 ? "" : `?${said.toString()}`;
}

/** The window as the API takes it; null: the whole log. */
export function windowOf({ period, of }: Pick<View, "period" | "of">): AuditTimeWindow | null {
  if (period.kind === "all") return null;
  if (period.kind === "last") return { last: period.last, of };
  return { start: period.start || null, end: period.end || null, of };
}

function readPeriod(text: (name: string) => string): Period {
  if (text("last") !== "") return { kind: "last", last: text("last") };
  const [start, end] = [text("from"), text("to")];
  return start === "" && end === "" ? { kind: "all" } : { kind: "between", start, end };
}

function readSorting(text: string): Sorting {
  const name = text.replace(/^-/, "").toUpperCase();
  const field = Object.values(SORTABLE).find((each) => each === name);
  return field === undefined ? NEWEST_FIRST : { field, direction: text.startsWith("-") ? "DESC" : "ASC" };
}

function writeSorting({ field, direction }: Sorting): string {
  return `${direction === "DESC" ? "-" : ""}${field.toLowerCase()}`;
}
