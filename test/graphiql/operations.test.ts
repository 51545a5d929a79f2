import { describe, expect, test } from "@jest/globals";
import { buildSchema, parse, validate } from "graphql";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const schema = buildSchema(readFileSync(`${root}schema.graphql`, "utf8"), { assumeValidSDL: true });
const operations = readdirSync(`${root}graphiql/operations`);

/** The editor of a 1,280 pixel wide window shows this much of a line. */
const VISIBLE_COLUMNS = 46;

describe("GraphiQL's example operations", () => {
  test.each(operations)("%s fits the schema", (file) => {
    const document = parse(readFileSync(`${root}graphiql/operations/${file}`, "utf8"));
    expect(validate(schema, document)).toEqual([]);
  });

  test.each(operations)("%s has no comment that the editor cuts off", (file) => {
    const lines = readFileSync(`${root}graphiql/operations/${file}`, "utf8").split("\n");
    expect(lines.filter((line) => line.includes("#") && line.length > VISIBLE_COLUMNS)).toEqual([]);
  });
});
