import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  buildClientSchema,
  getIntrospectionQuery,
  type GraphQLInputObjectType,
  type IntrospectionQuery,
} from "graphql";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

describe("a tool that asks for the schema", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(() => gateway.close());

  test("gets all of it, with the defaults of enum fields", async () => {
    const { data, errors } = await gateway.text(getIntrospectionQuery());
    expect(errors).toBeUndefined();
    const schema = buildClientSchema(data as unknown as IntrospectionQuery);
    const { field, direction } = (schema.getType("AuditEntryOrder") as GraphQLInputObjectType).getFields();
    expect([field?.defaultValue, direction?.defaultValue]).toEqual(["RECEIVED_AT", "DESC"]);
  });

  test("sorts by the default of the field that it leaves out", async () => {
    await gateway.text(`mutation { logBulk(events: [{ message: "a" }, { message: "b" }]) { root { hash } } }`);
    const { data } = await gateway.text(`{ search(orderBy: { direction: ASC }) { nodes { leafIndex } } }`);
    expect(data).toEqual({ search: { nodes: [{ leafIndex: 0 }, { leafIndex: 1 }] } });
  });

  test("is told when no operation has the name it asks for", async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: "query A { __typename }", operationName: "B" }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ message: 'Unknown operation named "B".' }] });
  });
});
