import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { isWithin } from "../../src/graphql/request-plugin.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

describe("the size of an answer", () => {
  const answer = { root: { hash: "abc", nodes: [null, { "a key": "b" }, 1] } };

  test("is at least that of its JSON, commas and quotes included", () => {
    const { length } = JSON.stringify(answer);
    expect(isWithin(answer, length - 1)).toBe(false);
    expect(isWithin(answer, length * 2)).toBe(true);
  });

  test("is that of its text: so many characters pass, one more does not", () => {
    expect([9, 10, 11].map((length) => isWithin("a".repeat(length), 10 + 3))).toEqual([true, true, false]);
  });

  test("counts a text as often as it is shown", () => {
    const shown = "a".repeat(100);
    expect(isWithin(Array(10).fill(shown), 1000)).toBe(false);
  });
});

describe("an answer that is too large", () => {
  let gateway: TestGateway;
  const text = "a".repeat(32_766);
  const aliases = Array.from({ length: 95 }, (_, i) => `a${i}: canonical`).join(" ");

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(() => gateway.close());

  test("gives way to an error before its text is made; a mutation is told that it was done", async () => {
    const events = Array(10).fill({ message: text, new: text, old: text });
    const log = `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { entries { ${aliases} } } }`;
    const { message, extensions } = await gateway.error(log, { events });
    expect(extensions).toEqual({ code: "PAYLOAD_TOO_LARGE" });
    expect(message).toMatch(/more than 67108864 characters.* The events were logged\.$/);
    expect(await gateway.text("{ root { treeSize } }")).toEqual({ data: { root: { treeSize: 10 } } });
  });

  test("may be of one entry that is asked for many times", async () => {
    const { data } = await gateway.text("{ entry(leafIndex: 0) { id } }");
    const { id } = data?.["entry"] as { readonly id: string };
    const ask = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on AuditEntry { ${aliases} } } }`;
    const few = await gateway.text(ask, { ids: [id] });
    expect(few.errors).toBeUndefined();
    const { message } = await gateway.error(ask, { ids: Array(1000).fill(id) });
    expect(message).toMatch(/ask for fewer entries, or fewer of their fields, at once\.$/);
  });
});
