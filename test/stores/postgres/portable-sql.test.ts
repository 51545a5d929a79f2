import { describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SCHEMA_STEPS } from "../../../src/stores/postgres/schema.js";

// The tests run in build/test; the sources stand beside build.
const folder = fileURLToPath(new URL("../../../../src/stores/postgres", import.meta.url));

/** What PostgreSQL-compatible distributed engines lack or make slow, by name; and what a transaction pooler breaks. */
const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["advisory locks", /pg_(try_)?advisory/i],
  ["sequences", /\b(nextval|(big|small)?serial|CREATE SEQUENCE|GENERATED \w+( BY DEFAULT)? AS IDENTITY)\b/i],
  ["table locks", /\bLOCK\s+(TABLE\b|auditql\.)/i],
  ["notifications", /(\bLISTEN\s+\w|\bNOTIFY\s+\w|pg_notify)/i],
  ["triggers", /\bCREATE\s+(OR REPLACE\s+)?TRIGGER\b/i],
  ["session state", /(\bSET\s+(SESSION|LOCAL)\b|\bCREATE\s+TEMP)/i],
];

function violations(text: string): readonly string[] {
  return FORBIDDEN.filter(([, pattern]) => pattern.test(text)).map(([what]) => what);
}

describe("the SQL of the PostgreSQL engine", () => {
  test.each(readdirSync(folder))("in %s keeps to what distributed engines can do", (file) => {
    expect(violations(readFileSync(join(folder, file), "utf8"))).toEqual([]);
  });

  test("begins every primary key with the log", () => {
    const keys = [...SCHEMA_STEPS.join("\n").matchAll(/CREATE TABLE (\S+) \(([^;]*?)PRIMARY KEY( \((\w+))?/g)];
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const [, table, columns = "", , first] of keys) {
      expect({ table, key: first ?? /(\w+) text COLLATE "C" $/.exec(columns)?.[1] }).toEqual({ table, key: "log" });
    }
  });

  test.each([
    "SELECT pg_advisory_xact_lock(1)",
    "CREATE TABLE t (id bigserial)",
    "SELECT nextval('s')",
    "LOCK TABLE auditql.heads IN EXCLUSIVE MODE",
    "LISTEN appended",
    "NOTIFY appended",
    "SET LOCAL statement_timeout = 0",
  ])("would be found out: %s", (text) => {
    expect(violations(text)).toHaveLength(1);
  });
});
