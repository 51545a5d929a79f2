import { expect, test } from "@jest/globals";
import { ORDER_FIELDS } from "../../../src/query/order.js";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { openForWriting } from "../../../src/stores/sqlite/file.js";
import { INDEX_FILE, WALKED_FIELDS } from "../../../src/stores/sqlite/index-file.js";
import { COUNT_MATCHES, pageOfEverything, pageOfMatches } from "../../../src/stores/sqlite/index-sql.js";
import { freshPaths } from "./folder.js";

const database = openForWriting(await loadSqliteDriver(), freshPaths()(), INDEX_FILE);
const DIRECTIONS = ["asc", "desc"] as const;
const WHOLE_LOG = 1_000_000;

function planOf(sql: string): string {
  const values = Array.from(sql.matchAll(/\?/g), () => 10);
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  return rows.map((row) => String(row["detail"])).join("\n");
}

test.each(DIRECTIONS)("reads matches in leaf order off the postings, inside the range (%s)", (direction) => {
  const plan = planOf(pageOfMatches({ field: "received_at", direction }, { isBehind: false }));
  expect(plan).toMatch(/^SCAN search VIRTUAL TABLE INDEX \d+:M\d+(><|<>)$/);
});

test("counts matches inside the range without looking at another table", () => {
  expect(planOf(COUNT_MATCHES)).not.toContain("docs");
});

test.each(DIRECTIONS)("reads everything in leaf order by its key (%s)", (direction) => {
  const plan = planOf(pageOfEverything({ field: "received_at", direction }, { entries: WHOLE_LOG, isBehind: false }));
  expect(plan).toBe("SEARCH docs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
});

test.each(WALKED_FIELDS)("walks a large range in the order of %s, and sorts a small one", (field) => {
  for (const direction of DIRECTIONS) {
    const walk = planOf(pageOfEverything({ field, direction }, { entries: WHOLE_LOG, isBehind: false }));
    expect(walk).toBe(`SCAN docs USING COVERING INDEX docs_by_${field}`);
    const sort = planOf(pageOfEverything({ field, direction }, { entries: 100, isBehind: false }));
    expect(sort).toContain("USING INTEGER PRIMARY KEY");
  }
});

test.each(WALKED_FIELDS)("goes on behind a place in the order of %s where it is, not from the beginning", (field) => {
  for (const [direction, sign] of [
    ["asc", ">"],
    ["desc", "<"],
  ] as const) {
    const plan = planOf(pageOfEverything({ field, direction }, { entries: WHOLE_LOG, isBehind: true }));
    expect(plan).toBe(`SEARCH docs USING COVERING INDEX docs_by_${field} (${field}${sign}?)`);
  }
});

test.each(ORDER_FIELDS.filter((field) => field !== "received_at"))("sorts only the matches by %s", (field) => {
  const plan = planOf(pageOfMatches({ field, direction: "desc" }, { isBehind: false }));
  expect(plan).toContain("SCAN search VIRTUAL TABLE");
  expect(plan).toContain("SEARCH docs USING INTEGER PRIMARY KEY (rowid=?)");
});
