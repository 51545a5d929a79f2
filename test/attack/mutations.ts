/** A column of a store's schema, as the engine itself names it. */
export interface Column {
  readonly column: string;
  readonly isNullable: boolean;
  /** Part of the table's primary key. */
  readonly isKey: boolean;
}

/** A row to be attacked: its place among the rows of its table in the order of their keys. */
export type Row = Readonly<Record<string, unknown>>;

/** One change of a store, by somebody who may write all of it and has no key. */
export interface Mutation {
  readonly name: string;
  readonly table: string;
  readonly column?: string;
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** How an engine writes a table's name and its nth parameter. */
export interface Dialect {
  readonly table: (name: string) => string;
  readonly parameter: (nth: number) => string;
}

/** A table with its rows in the order of its key, and those that are attacked among them. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly attacked: readonly Row[];
}

/** Entries inside the full tile and at the edge, the last one; of other tables, the first rows. */
export const ATTACKED_ENTRIES: readonly number[] = [100, 299];
const ATTACKED_ROWS = 2;

/** The rows of a table that are attacked; `leafIndexOf` is of the table of entries. */
export function attackedRows(table: string, rows: readonly Row[], leafIndexOf: (row: Row) => number): readonly Row[] {
  if (table !== "entries") return rows.slice(0, ATTACKED_ROWS);
  return rows.filter((row) => ATTACKED_ENTRIES.includes(leafIndexOf(row)));
}

/** Every change of one value, and every row deleted. */
export function mutationsOf(table: Table, dialect: Dialect): readonly Mutation[] {
  return table.attacked.flatMap((row, place) => [
    ...table.columns.flatMap((column) =>
      changes({ table, row, dialect }, column).map((change) => named(change, place)),
    ),
    named(deleted(table, row, dialect), place),
  ]);
}

function named(mutation: Mutation, place: number): Mutation {
  return { ...mutation, name: `${mutation.name}, attacked row ${place}` };
}

/** A row under attack. */
interface Target {
  readonly table: Table;
  readonly row: Row;
  readonly dialect: Dialect;
}

function changes(target: Target, { column, isNullable, isKey }: Column): readonly Mutation[] {
  const { table, row, dialect } = target;
  const old = row[column];
  const other = table.rows.map((candidate) => candidate[column]).find((value) => !isSame(value, old));
  const values: (readonly [string, unknown])[] = [...variants(old)];
  if (other !== undefined && other !== null) values.push(["another row's value", other]);
  if (isNullable && old !== null) values.push(["null", null]);
  const taken = new Set(table.rows.map((candidate) => candidate[column]));
  if (isKey && values.every(([, value]) => taken.has(value))) values.push(["a value of no row", valueOfNone(taken)]);
  return values.map(([name, value]) => {
    const set = `${quoted(column)} = ${dialect.parameter(1)}`;
    const { where, keys } = place(target, 2);
    const sql = `UPDATE ${dialect.table(table.name)} SET ${set} WHERE ${where}`;
    return { name: `${table.name}.${column}: ${name}`, table: table.name, column, sql, values: [value, ...keys] };
  });
}

function deleted(table: Table, row: Row, dialect: Dialect): Mutation {
  const { where, keys } = place({ table, row, dialect }, 1);
  const sql = `DELETE FROM ${dialect.table(table.name)} WHERE ${where}`;
  return { name: `${table.name}: row deleted`, table: table.name, sql, values: keys };
}

/** The columns that tell a row from the others: all of them where there is no primary key. */
export function keysOf(columns: readonly Column[]): readonly string[] {
  const primary = columns.filter(({ isKey }) => isKey);
  return (primary.length > 0 ? primary : columns).map(({ column }) => column);
}

function place({ table: { columns }, row, dialect: { parameter } }: Target, first: number) {
  const keys = keysOf(columns);
  const where = keys.map((key, nth) => `${quoted(key)} = ${parameter(first + nth)}`).join(" AND ");
  return { where, keys: keys.map((key) => row[key]) };
}

function variants(value: unknown): readonly (readonly [string, unknown])[] {
  if (value instanceof Date) return [["an hour later", new Date(value.getTime() + 3_600_000)]];
  if (typeof value === "number" || typeof value === "bigint") {
    return [
      ["one more", Number(value) + 1],
      ["one less", Number(value) - 1],
    ];
  }
  if (value instanceof Uint8Array) {
    return [
      ["a bit flipped", value.map((byte, i) => (i === 0 ? byte ^ 1 : byte))],
      ["cut off", value.slice(0, -1)],
    ];
  }
  if (typeof value !== "string") return [];
  const digit = value.search(/\d/);
  const changed = (i: number): string => value.slice(0, i) + (value[i] === "9" ? "8" : "9") + value.slice(i + 1);
  return [
    ...(digit < 0 ? [["longer", `${value}9`] as const] : [["its first digit another", changed(digit)] as const]),
    ...(value === "" ? [] : [["its last character another", changed(value.length - 1)] as const]),
  ];
}

/** Behind all values of a column of whole numbers or texts. */
function valueOfNone(taken: ReadonlySet<unknown>): unknown {
  const [some] = taken;
  return typeof some === "string"
    ? `${[...taken].map(String).sort().at(-1) ?? ""}~`
    : Math.max(...[...taken].map(Number)) + 1_000;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

export function quoted(name: string): string {
  return `"${name}"`;
}
