import { composeServices } from "./composition.js";
import { expect, test } from "@jest/globals";
import { Kind, parse, type DocumentNode } from "graphql";
import { readFileSync } from "node:fs";
import type * as graphql from "graphql";
import { auditSchemaText } from "../../src/graphql/schema.js";
import { published } from "../published.js";

/** Of the copy that made the schema. */
const { validate } = published("graphql") as typeof graphql;

const page = readFileSync(new URL("../../../docs/federation.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, text = ""]) => parse(text));

function isOperation({ definitions }: DocumentNode): boolean {
  return definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);
}

test("the subgraphs of docs/federation.md compose with ours, and its operations are valid on the result", async () => {
  const subgraphs = examples.filter((example) => !isOperation(example));
  const { schema, errors } = composeServices([
    { name: "audit", typeDefs: parse(await auditSchemaText()) },
    ...subgraphs.map((typeDefs, at) => ({ name: `example-${at}`, typeDefs })),
  ]);
  expect(errors).toBeUndefined();
  const supergraph = schema?.toAPISchema().toGraphQLJSSchema();
  if (supergraph === undefined) throw new Error("there is no supergraph");
  const operations = examples.filter(isOperation);
  expect(operations.flatMap((operation) => validate(supergraph, operation))).toEqual([]);
  expect([subgraphs.length, operations.length]).toEqual([2, 1]);
});

test("without Auditable our subgraph composes even by itself, with it only beside the interface", async () => {
  const alone = async (auditable: boolean) =>
    composeServices([{ name: "audit", typeDefs: parse(await auditSchemaText({ auditable })) }]).errors;
  expect(await alone(false)).toBeUndefined();
  expect((await alone(true))?.map(({ message }) => message).join()).toContain("interfaceObject");
});
