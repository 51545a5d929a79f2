import { describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { auditSchemaText } from "../src/graphql/schema.js";

describe("schema.graphql", () => {
  test("is the schema of the source: run npm run schema after a change", async () => {
    const published = await readFile(new URL("../../schema.graphql", import.meta.url), "utf8");
    expect(await auditSchemaText()).toBe(published);
  });
});
