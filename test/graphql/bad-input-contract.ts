import { afterAll, beforeAll, describe, expect, test as anyTest } from "@jest/globals";
import type { GraphQLFormattedError } from "graphql";
import type { ContractTest } from "../audit/contract-test.js";
import type { OpenGateway, TestGateway } from "./gateway.js";

const LOG = `mutation ($event: AuditEventInput!) { log(event: $event) { entry { leafIndex } } }`;
const BULK = `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize } } }`;
const SEARCH = `query ($query: String! = "", $window: AuditTimeWindow, $restriction: AuditSearchRestriction, $maxResults: Int, $first: Int, $after: String, $last: Int, $before: String) {
  search(query: $query, window: $window, restriction: $restriction, maxResults: $maxResults, first: $first, after: $after, last: $last, before: $before) {
    resultId pageInfo { endCursor } nodes { leafIndex }
  }
}`;
const RESULTS = `query ($id: ID!, $first: Int, $offset: Int) { results(id: $id, first: $first, offset: $offset) { resultId } }`;
const ROOT = `query ($treeSize: AuditTreeSize) { root(treeSize: $treeSize) { hash } }`;

/** The paths that an error's `problems` name. */
function paths({ extensions }: GraphQLFormattedError): readonly string[] {
  const problems = (extensions?.["problems"] ?? []) as readonly { readonly path: string }[];
  return problems.map(({ path }) => path);
}

const tooLong = {
  message: "m".repeat(262_145),
  actor: "a".repeat(1_025),
  action: "a".repeat(1_025),
  tenantId: "t".repeat(1_025),
};
const KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const SIGNATURE = Buffer.alloc(64, 7).toString("base64");

interface Refused {
  readonly query: string;
  readonly variables?: object;
  readonly code?: string;
  readonly message: RegExp;
}

const asLiteral = { code: "GRAPHQL_VALIDATION_FAILED" };

interface Page {
  readonly search: { readonly resultId: string; readonly pageInfo: { readonly endCursor: string } };
}

/** The same text with one character in its middle changed. */
function altered(text: string): string {
  const at = Math.floor(text.length / 2);
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}

/** What every gateway says of a request that is wrong, whatever keeps the log. */
export function badInputContract(open: OpenGateway, test: ContractTest = anyTest): void {
  let gateway: TestGateway;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ gateway, close } = await open());
    await gateway.text(BULK, { events: Array.from({ length: 5 }, (_, i) => ({ message: `event ${i}` })) });
  });
  afterAll(() => close());

  describe("an event is refused, with every bad path at once:", () => {
    test.each<[string, object, readonly string[]]>([
      ["an empty message", { message: "" }, ["event.message"]],
      ["over-long fields", tooLong, ["event.message", "event.actor", "event.action", "event.tenantId"]],
      ["a lone surrogate", { message: "m", actor: "\ud800" }, ["event.actor"]],
      ["a lone surrogate deep in an object", { message: { a: ["\udc00"] } }, ["event.message.a[0]"]],
      ["a signature without its key", { message: "m", signature: SIGNATURE }, ["event.publicKey"]],
      ["a signature that is none", { message: "m", signature: "xx", publicKey: KEY }, ["event.signature"]],
      ["a bad key", { message: "m", signature: SIGNATURE, publicKey: "key" }, ["event.publicKey"]],
      ["a wrong signature", { message: "m", signature: SIGNATURE, publicKey: KEY }, ["event.signature"]],
    ])("%s", async (_, event, expected) => {
      const error = await gateway.error(LOG, { event });
      expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
      expect(paths(error)).toEqual(expected);
      expect(error.path).toEqual(["log"]);
    });

    test("in a bulk, by its index, and nothing of the bulk is logged", async () => {
      const before = await gateway.text("{ root { treeSize } }");
      const error = await gateway.error(BULK, {
        events: [{ message: "fine" }, { message: "", actor: "a".repeat(1_025) }],
      });
      expect(paths(error)).toEqual(["events[1].message", "events[1].actor"]);
      expect(await gateway.text("{ root { treeSize } }")).toEqual(before);
    });

    test("with a message that does not send the event back", async () => {
      const { message } = await gateway.error(LOG, { event: { message: "m", new: "x".repeat(30_000), actor: [7] } });
      expect(message.length).toBeLessThan(1_100);
      expect(message).toMatch(/^Variable "\$event" got an invalid value at event\.actor: String cannot represent/);
    });

    test.each([0, 1001])("a bulk of %d events", async (length) => {
      const error = await gateway.error(BULK, { events: Array.from({ length }, () => ({ message: "m" })) });
      expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
      expect(paths(error)).toEqual(["events"]);
    });
  });

  describe("GraphQL itself refuses, before anything is done,", () => {
    test.each<[string, Refused]>([
      [
        "an event without a message",
        { query: LOG, variables: { event: { actor: "a" } }, message: /"message" of required/ },
      ],
      [
        "an unknown field",
        { query: LOG, variables: { event: { message: "m", colour: 1 } }, message: /"colour" is not defined/ },
      ],
      [
        "a number as actor",
        { query: LOG, variables: { event: { message: "m", actor: 7 } }, message: /String cannot represent/ },
      ],
      ["a negative treeSize", { query: ROOT, variables: { treeSize: -1 }, message: /TreeSize expects an integer/ }],
      ["a fractional treeSize", { query: ROOT, variables: { treeSize: 1.5 }, message: /TreeSize expects an integer/ }],
      ["a treeSize above 2^53", { query: ROOT, variables: { treeSize: 2 ** 53 }, message: /got 9007199254740992/ }],
      [
        "a treeSize above 2^53 as a literal",
        {
          ...asLiteral,
          query: "{ root(treeSize: 9007199254740993) { hash } }",
          message: /TreeSize expects an integer/,
        },
      ],
      [
        "a hash in upper case",
        { ...asLiteral, query: `{ entry(hash: "${"A".repeat(64)}") { id } }`, message: /Digest expects 64 lowercase/ },
      ],
      [
        "a key given twice in a JSON literal",
        {
          ...asLiteral,
          query: "mutation { log(event: { message: { a: 1, a: 2 } }) { root { hash } } }",
          message: /only one input field named "a"/,
        },
      ],
      [
        "an integer beyond 2^53 in a JSON literal",
        {
          ...asLiteral,
          query: "mutation { log(event: { message: { a: 9007199254740993 } }) { root { hash } } }",
          message: /got 9007199254740993/,
        },
      ],
      ["a field that does not exist", { ...asLiteral, query: "{ roots { hash } }", message: /Cannot query field/ }],
      ["what is no GraphQL", { code: "GRAPHQL_PARSE_FAILED", query: "{ root", message: /Syntax Error/ }],
      [
        "too many tokens",
        { code: "GRAPHQL_PARSE_FAILED", query: `{ ${"a ".repeat(50_001)} }`, message: /50000 tokens/ },
      ],
    ])("%s", async (_, { query, variables, message, code = "BAD_USER_INPUT" }) => {
      const error = await gateway.error(query, variables);
      expect(error.extensions?.["code"]).toBe(code);
      expect(error.message).toMatch(message);
    });
  });

  describe("a search is refused:", () => {
    test.each<[string, object, readonly string[]]>([
      ["a negative first", { first: -1 }, ["first"]],
      ["first above the maximum", { first: 1001 }, ["first"]],
      ["a negative last", { last: -1 }, ["last"]],
      ["last above the maximum", { last: 1001 }, ["last"]],
      ["both at once", { first: -1, last: 1001 }, ["first", "last"]],
      ["maxResults 0", { maxResults: 0 }, ["maxResults"]],
      ["a negative maxResults", { maxResults: -1 }, ["maxResults"]],
      ["a time that is none", { window: { start: "yesterday" } }, ["window.start"]],
      ["a day that does not exist", { window: { end: "2026-02-30T00:00:00Z" } }, ["window.end"]],
      ["last together with start", { window: { start: "1d", last: "7d" } }, ["window.last"]],
      ["a cursor that is none", { after: "abc" }, ["after"]],
      ["a lone surrogate in the query", { query: "\ud800", first: -1 }, ["query", "first"]],
      ["a lone surrogate in a time", { window: { start: "\ud800" } }, ["window.start"]],
      ["a lone surrogate in a restriction", { restriction: { tenantId: ["\udc00"] } }, ["restriction.tenantId[0]"]],
    ])("%s", async (_, variables, expected) => {
      const error = await gateway.error(SEARCH, variables);
      expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
      expect(paths(error)).toEqual(expected);
    });

    test("a bad query, by the column where it went wrong", async () => {
      const error = await gateway.error(SEARCH, { query: "actor:alice (bob" });
      expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
      expect(error.message).toMatch(/column 13|column 17/);
      expect(paths(error)).toEqual(["query"]);
    });
  });

  async function page(variables: object): Promise<Page["search"]> {
    const { data } = await gateway.text(SEARCH, variables);
    return (data as unknown as Page).search;
  }

  describe("a cursor or result id is refused:", () => {
    test("a cursor of another search", async () => {
      const { pageInfo } = await page({ query: "event", first: 2 });
      const error = await gateway.error(SEARCH, { query: "other", after: pageInfo.endCursor });
      expect(paths(error)).toEqual(["after"]);
    });

    test("an altered cursor", async () => {
      const { pageInfo } = await page({ first: 2 });
      const error = await gateway.error(SEARCH, { before: altered(pageInfo.endCursor) });
      expect(paths(error)).toEqual(["before"]);
    });

    test("an altered result id", async () => {
      const { resultId: id } = await page({ first: 2 });
      expect(paths(await gateway.error(RESULTS, { id: altered(id) }))).toEqual(["id"]);
    });

    test("an offset beyond what a result can have, or below 0", async () => {
      const { resultId: id } = await page({ first: 2 });
      expect(paths(await gateway.error(RESULTS, { id, offset: -1 }))).toEqual(["offset"]);
    });
  });

  describe("a place in the log is refused:", () => {
    test("a treeSize beyond the log", async () => {
      const error = await gateway.error(ROOT, { treeSize: 1000 });
      expect(error.extensions?.["code"]).toBe("NOT_FOUND");
    });

    test("a log that does not exist, naming those that do", async () => {
      const error = await gateway.error('{ root(log: "nope") { hash } }');
      expect(error.extensions?.["code"]).toBe("NOT_FOUND");
      expect(error.message).toContain("default");
    });

    test("a proof in a tree that ends before the entry", async () => {
      const error = await gateway.error("{ entry(leafIndex: 4) { membershipProof(treeSize: 4) { text } } }");
      expect(paths(error)).toEqual(["treeSize"]);
    });

    test("a consistency proof from a larger tree to a smaller one", async () => {
      const error = await gateway.error("{ root(treeSize: 2) { consistencyProof(fromSize: 3) { path } } }");
      expect(paths(error)).toEqual(["fromSize"]);
    });

    test("an entry asked for by neither place nor hash, or by both", async () => {
      expect(paths(await gateway.error("{ entry { id } }"))).toEqual(["leafIndex"]);
      const both = `{ entry(leafIndex: 1, hash: "${"0".repeat(64)}") { id } }`;
      expect(paths(await gateway.error(both))).toEqual(["leafIndex"]);
    });

    test("a global id that was never answered, at its place in the list", async () => {
      expect(paths(await gateway.error('{ nodes(ids: ["x"]) { id } }'))).toEqual(["ids[0]"]);
      expect(paths(await gateway.error('{ node(id: "x") { id } }'))).toEqual(["id"]);
    });
  });
}
