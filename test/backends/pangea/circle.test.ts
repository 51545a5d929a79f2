import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { HOLDS } from "../../../src/cli/verify.js";
import { verified } from "../../cli/verifiers.js";
import { text as fileText } from "../../http/download-client.js";
import { TRANSPORTS, type Transport } from "../../http/tail-clients.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { openBehind, type Behind } from "./circle.js";

let behind: Behind;
/** GraphQL in front of the backend, in front of the door of `behind`. */
let front: TestGateway;
let service: AuditService;

const EVENTS = Array.from({ length: 60 }, (_, i) => ({
  message: i % 7 === 0 ? { n: i, text: `größe ${i}` } : `event ${i}`,
  ...{ actor: ["alice", "bob", "carol"][i % 3], action: i % 2 === 0 ? "create" : "update", target: `doc/${i % 5}` },
}));

beforeAll(async () => {
  behind = await openBehind();
  service = behind.front("default");
  front = await testGateway(service);
  await data("mutation ($events: [AuditEventInput!]!) { logBulk(events: $events, sign: true) { root { treeSize } } }", {
    events: EVENTS,
  });
});
afterAll(async () => {
  await front.close();
  await behind.close();
});

async function data(query: string, variables: object = {}, at = front): Promise<Record<string, unknown>> {
  const { data: found, errors } = await at.text(query, variables);
  expect(errors).toBeUndefined();
  return found ?? {};
}

/** What both gateways say: that in front, and that of the engine itself. */
async function both(query: string, variables: object = {}): Promise<readonly Record<string, unknown>[]> {
  return [await data(query, variables), await data(query, variables, behind.door)];
}

const VALID = { status: "VALID" };
const VERIFICATION =
  "verification { hash { status } signature { status } membership { status } consistency { status } }";
const VERIFIED = { hash: VALID, signature: VALID, membership: VALID, consistency: VALID };
const NODE = "leafIndex hash canonical receivedAt signature publicKey event { message actor }";

describe("in front of our own engine, GraphQL", () => {
  test("logs an event, signed, at the place and with the bytes that the engine has, and all verdicts are VALID", async () => {
    const event = { message: { b: 1, a: "123" }, actor: "dana", tenantId: "t" };
    const logged = await data(
      `mutation ($event: AuditEventInput!) { log(event: $event, sign: true) { entry { ${NODE} ${VERIFICATION} } root { treeSize hash } } }`,
      { event },
    );
    const { entry, root } = logged["log"] as { entry: { leafIndex: number }; root: { treeSize: number } };
    expect(root.treeSize).toBe(entry.leafIndex + 1);
    const { verification, ...shown } = entry as typeof entry & { verification: unknown };
    expect(verification).toEqual(VERIFIED);
    const there = await data(
      `query ($i: AuditLeafIndex) { entry(leafIndex: $i) { ${NODE} } }`,
      { i: entry.leafIndex },
      behind.door,
    );
    expect(there["entry"]).toEqual(shown);
  });

  test("logs what is valid of several events, and tells of the others", async () => {
    const events = [{ message: "one" }, { message: "" }, { message: "two", action: "x".repeat(33) }];
    const { logBulk } = await data(
      `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events, skipInvalid: true) {
        entries { event { message } } refused { index problems { path } } } }`,
      { events },
    );
    expect(logBulk).toEqual({
      entries: [{ event: { message: "one" } }],
      refused: [
        { index: 1, problems: [{ path: "events[1].message" }] },
        { index: 2, problems: [{ path: "events[2].action" }] },
      ],
    });
  });

  test("logs several events later, and finds the request again", async () => {
    const { logBulkAsync } = await data(
      `mutation { logBulkAsync(events: [{ message: "later 1" }, { message: "later 2" }]) { bulkRequest { id entries { hash } } } }`,
    );
    const logged = logBulkAsync as { bulkRequest: { id: string; entries: unknown[] } };
    expect(logged.bulkRequest.entries).toHaveLength(2);
    const { id } = logged.bulkRequest;
    expect(await data("query ($id: ID!) { bulkRequest(id: $id) { id entries { hash } } }", { id })).toEqual(logged);
  });

  test.each([
    "",
    'query: "event"',
    'query: "actor:alice -action:create", first: 5',
    'query: "größe OR doc", last: 4',
    'query: "event", maxResults: 7, first: 5',
    'query: "", orderBy: { field: ACTOR, direction: ASC }, first: 12',
    'query: "event", restriction: { actor: ["alice", "bob"], action: ["update"] }',
    'query: "nothing of the kind"',
    'window: { last: "1h" }, first: 3',
    'window: { end: "2020-01-01T00:00:00Z" }',
  ])("finds what the engine finds, with search(%s)", async (parameters) => {
    const shown = `totalCount isTruncated pageInfo { hasNextPage hasPreviousPage } nodes { ${NODE} } root { treeSize hash }`;
    const asked = parameters === "" ? "search" : `search(${parameters})`;
    const [here, there] = await both(`{ ${asked} { ${shown} } }`);
    expect(here).toEqual(there);
  });

  test("verifies every entry of a page: hash, signature, membership and consistency are VALID", async () => {
    const { search } = await data(
      `{ search(query: "doc", first: 100) { edges { node { leafIndex } ${VERIFICATION} membershipProof { text } } root { verification { checkpoint { status } } } } }`,
    );
    const { edges, root } = search as { edges: { verification: unknown }[]; root: unknown };
    expect(edges).toHaveLength(EVENTS.length);
    for (const { verification } of edges) expect(verification).toEqual(VERIFIED);
    expect(root).toEqual({ verification: { checkpoint: VALID } });
  });

  test("pages forth and back by cursor and by offset, while the log grows", async () => {
    type Page = {
      resultId: string;
      edges: { cursor: string; node: { leafIndex: number } }[];
      pageInfo: Record<string, unknown>;
    };
    const shown =
      "resultId edges { cursor node { leafIndex } } pageInfo { hasNextPage hasPreviousPage endCursor startCursor }";
    const { search } = await data(`{ search(query: "doc", first: 25) { ${shown} } }`);
    let page = search as Page;
    const { resultId: id } = page;
    const results = async (parameters: string): Promise<Page> =>
      (await data(`query ($id: ID!) { results(id: $id, ${parameters}) { ${shown} } }`, { id }))["results"] as Page;
    const forth: number[] = [];
    for (;;) {
      forth.push(...page.edges.map(({ node }) => node.leafIndex));
      if (page.pageInfo["hasNextPage"] !== true) break;
      await data('mutation { log(event: { message: "meanwhile", target: "doc/0" }) { entry { hash } } }');
      page = await results(`first: 25, after: "${String(page.pageInfo["endCursor"])}"`);
    }
    expect(forth).toEqual(Array.from({ length: 60 }, (_, i) => 59 - i));
    const back: number[] = [];
    for (;;) {
      back.unshift(...page.edges.map(({ node }) => node.leafIndex));
      if (page.pageInfo["hasPreviousPage"] !== true) break;
      page = await results(`last: 25, before: "${String(page.pageInfo["startCursor"])}"`);
    }
    expect(back).toEqual(forth);
    expect((await results("offset: 58, first: 9")).edges.map(({ node }) => node.leafIndex)).toEqual([1, 0]);
  });

  test("shows the roots that the engine signed, and proves one step of their growth", async () => {
    const shown = "treeSize hash publishedAt verification { checkpoint { status } consistency { status } }";
    for (const size of ["", "(treeSize: 1)", "(treeSize: 37)"]) {
      const [here, there] = await both(`{ root${size} { ${shown} } }`);
      expect(here).toEqual(there);
    }
    const [here, there] = await both("{ root(treeSize: 37) { consistencyProof(fromSize: 36) { path } } }");
    expect(here).toEqual(there);
  });

  test("links to a file of a whole result, as the engine would write it, and to evidence that verifies", async () => {
    const file = async (at: TestGateway, format: string): Promise<string> => {
      const { search } = await data('{ search(query: "doc", maxResults: 50, first: 0) { resultId } }', {}, at);
      const link = await data(
        `mutation ($id: ID!) { downloadResults(id: $id, format: ${format}) { url } }`,
        { id: (search as { resultId: string }).resultId },
        at,
      );
      return fileText(new URL((link["downloadResults"] as { url: string }).url, at.url).href);
    };
    for (const format of ["CSV", "NDJSON"]) expect(await file(front, format)).toBe(await file(behind.door, format));
    const { verifierKey } = await service.identity("default");
    for (const format of ["JSON", "EVIDENCE"]) {
      const { code, note } = await verified(await file(front, format), { key: verifierKey });
      expect([code, note]).toEqual([HOLDS, expect.stringMatching(/: \d+ valid, \d+ unknown, 0 invalid/)]);
    }
  });

  test.each<Transport>(["SSE", "WebSocket"])(
    "follows the log over %s: what there is, and what comes",
    async (transport) => {
      const connect = TRANSPORTS[transport];
      const client = connect(`${front.url}/graphql`);
      const seen: number[] = [];
      const follow = "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }";
      const { treeSize } = await behind.engine.root("default");
      for await (const { data: event, errors } of client.iterate({ query: follow })) {
        expect(errors).toBeUndefined();
        seen.push(event?.entryLogged.leafIndex ?? -1);
        if (seen.length === treeSize) {
          await data('mutation { log(event: { message: "while it is followed" }) { entry { hash } } }');
        }
        if (seen.length > treeSize) break;
      }
      client.dispose();
      expect(seen).toEqual(Array.from({ length: treeSize + 1 }, (_, i) => i));
    },
  );
});
