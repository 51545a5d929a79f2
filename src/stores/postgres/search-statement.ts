import type { IndexQuery } from "../../audit/search-index.js";
import type { OrderField } from "../../query/order.js";
import { condition, SCAN, type Bind, type Way } from "./condition.js";
import type { Statement } from "./transaction.js";

/** A statement with the values of its parameters. Unnamed: its text depends on the filter, and is planned for its values. */
export interface BoundStatement<Row> {
  readonly statement: Statement<Row>;
  readonly values: readonly unknown[];
}

export interface FoundLeaf {
  readonly leafIndex: number;
}

export interface MatchCount {
  readonly matches: number;
}

/** A query and how many of its first matches are wanted. */
export interface Search {
  readonly query: IndexQuery;
  readonly limit: number;
  /** In the order of a field: begins behind this leaf's place in it. */
  readonly after?: number;
}

/** Collects the values of one statement. */
class Values {
  readonly list: unknown[] = [];

  readonly bind = (value: unknown): string => `$${this.list.push(value)}`;
}

/** Orders that an index of `docs` has ready, so that the first documents cost no sort. */
export function isWalkable({ field }: IndexQuery["order"]): boolean {
  return field === "received_at" || field === "actor" || field === "timestamp";
}

/** The first `limit` matches of the order, found by scanning its documents one after the other. */
export function walk({ query, limit, after }: Search): BoundStatement<FoundLeaf> {
  const { list, bind } = new Values();
  const text = `
    SELECT leaf_index AS "leafIndex" FROM auditql.docs
    WHERE ${inRange(query, after, bind)} AND ${condition(query.filter, SCAN, bind)}
    ORDER BY ${inOrder(query)} LIMIT ${bind(limit)}`;
  return { statement: { name: "", text }, values: list };
}

/** The same, but looking no further than the order's first `reach` documents. */
export function walkWithin(reach: number, { query, limit, after }: Search): BoundStatement<FoundLeaf> {
  const { list, bind } = new Values();
  const columns = ["leaf_index", "terms", ...sortColumn(query.order.field)].join(", ");
  const text = `
    SELECT leaf_index AS "leafIndex" FROM (
      SELECT ${columns} FROM auditql.docs WHERE ${inRange(query, after, bind)} ORDER BY ${inOrder(query)} LIMIT ${bind(reach)}
    ) AS docs
    WHERE ${condition(query.filter, SCAN, bind)} ORDER BY ${inOrder(query)} LIMIT ${bind(limit)}`;
  return { statement: { name: "", text }, values: list };
}

/** The first `limit` matches of the order, found by fetching all matches and sorting them. */
export function gather(way: Way, { query, limit, after }: Search): BoundStatement<FoundLeaf> {
  const { list, bind } = new Values();
  const text = `
    WITH matches AS MATERIALIZED (
      SELECT ${["leaf_index", ...sortColumn(query.order.field)].join(", ")} FROM auditql.docs
      WHERE ${inRange(query, after, bind)} AND ${condition(query.filter, way, bind)}
    )
    SELECT leaf_index AS "leafIndex" FROM matches ORDER BY ${inOrder(query)} LIMIT ${bind(limit)}`;
  return { statement: { name: "", text }, values: list };
}

/** How many matches a query has, counted no further than `limit`: so that no row of them crosses the network. */
export function counted(way: Way, { query, limit }: Search): BoundStatement<MatchCount> {
  const { list, bind } = new Values();
  const text = `
    SELECT count(*)::integer AS matches FROM (
      SELECT FROM auditql.docs
      WHERE ${inRange(query, undefined, bind)} AND ${condition(query.filter, way, bind)} LIMIT ${bind(limit)}
    ) AS found`;
  return { statement: { name: "", text }, values: list };
}

function inRange({ log, range, order }: IndexQuery, after: number | undefined, bind: Bind): string {
  const within = `log = ${bind(log)} AND leaf_index >= ${bind(range.start)} AND leaf_index < ${bind(range.end)}`;
  if (after === undefined || order.field === "received_at") return within;
  const [itsLog, leaf] = [bind(log), bind(after)];
  const key = `(SELECT ${order.field} FROM auditql.docs WHERE log = ${itsLog} AND leaf_index = ${leaf})`;
  return `${within} AND (${order.field}, leaf_index) ${order.direction === "asc" ? ">" : "<"} (${key}, ${leaf})`;
}

function inOrder({ order }: IndexQuery): string {
  const direction = order.direction === "asc" ? "ASC" : "DESC";
  return [...sortColumn(order.field), "leaf_index"].map((column) => `${column} ${direction}`).join(", ");
}

function sortColumn(field: OrderField): readonly string[] {
  return field === "received_at" ? [] : [field];
}
