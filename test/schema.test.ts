import { describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { graphql, isObjectType } from "graphql";
import { auditSchema, auditSchemaText } from "../src/graphql/schema.js";

describe("schema.graphql", () => {
  test("is the schema of the source: run npm run schema after a change", async () => {
    const published = await readFile(new URL("../../schema.graphql", import.meta.url), "utf8");
    expect(await auditSchemaText()).toBe(published);
  });

  test("is of a schema that knows every directive of GraphQL", async () => {
    const names = (await auditSchema()).getDirectives().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["include", "skip", "deprecated", "specifiedBy"]));
  });

  test("has an id only on what is the same wherever the id is: a cache takes two objects with one id for one", async () => {
    const types = Object.values((await auditSchema()).getTypeMap()).filter(isObjectType);
    const withId = types.filter((type) => type.getFields()["id"] !== undefined);
    expect(withId.map(({ name }) => name).sort()).toEqual([
      "AuditBulkRequest",
      "AuditEntry",
      "AuditEntryEdge",
      "AuditMembershipProof",
      "AuditRoot",
      "Auditable",
    ]);
  });

  test("is what a router is told", async () => {
    const { data } = await graphql({ schema: await auditSchema(), source: "{ _service { sdl } }" });
    expect(data).toEqual({ _service: { sdl: await auditSchemaText() } });
  });
});
