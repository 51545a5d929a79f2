/** A column of a store's schema, as the engine itself names it. */
export interface Column {
  readonly table: string;
  readonly column: string;
  readonly isNullable: boolean;
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

/** A table with its rows, those that are attacked among them, and the columns of its key. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly keys: readonly string[];
  readonly rows: readonly Row[];
  readonly attacked: readonly Row[];
}

/** Every change of one value, and of one row: deleted, doubled under another key, or swapped with another. */
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

function changes(target: Target, { column, isNullable }: Column): readonly Mutation[] {
  const { table, row, dialect } = target;
  const old = row[column];
  const other = table.rows.map((candidate) => candidate[column]).find((value) => !isSame(value, old));
  const values: (readonly [string, unknown])[] = [...variants(old)];
  if (other !== undefined && other !== null) values.push(["another row's value", other]);
  if (isNullable && old !== null) values.push(["null", null]);
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

function place({ table: { keys }, row, dialect: { parameter } }: Target, first: number) {
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

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

export function quoted(name: string): string {
  return `"${name}"`;
}
