import { composeServices } from "./composition.js";
import { describe, expect, test } from "@jest/globals";
import { Kind, parse, print, type FieldDefinitionNode } from "graphql";
import { auditSchema, auditSchemaText } from "../../src/graphql/schema.js";

type Fields = ReadonlyMap<string, FieldDefinitionNode>;

/** By `Type.field`. */
function fieldsOf(text: string): Fields {
  return new Map(
    parse(text).definitions.flatMap((type) =>
      type.kind === Kind.OBJECT_TYPE_DEFINITION
        ? (type.fields ?? []).map((field) => [`${type.name.value}.${field.name.value}`, field] as const)
        : [],
    ),
  );
}

/** The directives of a field, as they are written. */
function on(fields: Fields, name: string): readonly string[] {
  return (fields.get(name)?.directives ?? []).map((directive) => print(directive));
}

/** With a contract's tags, costs and sizes left in it, as a router reads it. */
async function supergraph(): Promise<Fields> {
  const ours = parse(await auditSchemaText({ auditable: false }));
  const { supergraphSdl, errors = [] } = composeServices([{ name: "audit", typeDefs: ours }]);
  if (supergraphSdl === undefined) throw new Error(errors.join("\n"));
  return fieldsOf(supergraphSdl);
}

describe("a supergraph is told", () => {
  test("by a tag what writes to the log or takes data out of it: every mutation, and what belongs to one", async () => {
    const fields = await supergraph();
    const tagged = [...fields.keys()].filter((name) => on(fields, name).some((text) => text.startsWith("@tag(")));
    const mutations = [...fields.keys()].filter((name) => name.startsWith("Mutation."));
    expect(tagged).toEqual([...mutations, "Query.bulkRequest"]);
    expect(mutations).toHaveLength(4);
    expect(on(fields, "Mutation.log")).toContain('@tag(name: "audit-write")');
    expect(on(fields, "Mutation.downloadResults")).toContain('@tag(name: "audit-export")');
  });

  test("what fields cost, as the gateway counts it", async () => {
    const fields = await supergraph();
    const types = (await auditSchema()).getTypeMap();
    const weights = [...fields].flatMap(([name]) => {
      const [type = "", field = ""] = name.split(".");
      const known = types[type];
      const complexity = known && "getFields" in known ? known.getFields()[field]?.extensions["complexity"] : undefined;
      return typeof complexity === "number" && complexity > 1 ? [[name, `@cost(weight: ${complexity})`] as const] : [];
    });
    expect(weights.length).toBeGreaterThan(15);
    for (const [name, cost] of weights)
      expect([name, on(fields, name)]).toEqual([name, expect.arrayContaining([cost])]);
    expect(on(fields, "AuditRootVerification.checkpoint")).toContain("@cost(weight: 80)");
  });

  test("how long lists may be: by a page's arguments, else the most that there are", async () => {
    const fields = await supergraph();
    const page =
      '@listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)';
    expect(on(fields, "Query.search")).toContain(page);
    expect(on(fields, "Query.results")).toContain(page);
    expect(on(fields, "Query.nodes")).toContain("@listSize(assumedSize: 1000)");
    expect(on(fields, "AuditLogBulkPayload.receipts")).toContain("@listSize(assumedSize: 1000)");
    const text = await auditSchemaText();
    expect(on(fieldsOf(text), "Auditable.auditTrail")).toEqual(["@cost(weight: 100)", page]);
  });
});
