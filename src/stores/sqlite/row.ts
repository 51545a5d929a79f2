import type { SqlRow } from "./driver.js";

/** The integer in a column. Throws a TypeError when the file holds anything else there. */
export function integerIn(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new TypeError(`column ${column}: expected an integer, found ${typeof value}`);
}

/** The bytes in a BLOB column, an ArrayBuffer in libsql. Throws a TypeError when the file holds anything else there. */
export function bytesIn(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`column ${column}: expected bytes, found ${typeof value}`);
}

/** Like `bytesIn`, for a column that may be null. */
export function optionalBytesIn(row: SqlRow, column: string): Uint8Array | undefined {
  return row[column] === null ? undefined : bytesIn(row, column);
}

/** The text of a column read with `CAST(… AS BLOB)`; bytes that are not UTF-8 become U+FFFD, so a hash over them differs. */
export function textIn(row: SqlRow, column: string): string {
  const { buffer, byteOffset, byteLength } = bytesIn(row, column);
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
