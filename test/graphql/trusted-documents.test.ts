import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { TrustedDocuments } from "../../src/graphql/trusted-documents.js";
import { openTestService } from "../engine/test-log.js";
import { compileAtHit, testGateway, type TestGateway } from "./gateway.js";
import { watched } from "./watched.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const manifest = (...texts: readonly string[]) => Object.fromEntries(texts.map((text) => [sha256(text), text]));

const ROOT = "query Root { root { treeSize } }";
const LOG = 'mutation Log { log(event: { message: "m" }) { root { treeSize } } }';
const TWO = "query A { __typename } query B($n: Int!) { search(first: $n) { totalCount } }";
const FOLLOW = "subscription { entryLogged { leafIndex } }";
const trusted = TrustedDocuments.parse(manifest(ROOT, LOG, TWO, FOLLOW));

let gateway: TestGateway;
let callsAtStart: readonly string[];

beforeAll(async () => {
  const { object, calls } = watched(await openTestService());
  gateway = await testGateway(object, { trusted, compileAtHit });
  callsAtStart = [...calls];
});

afterAll(() => gateway.close());

async function answerOf(response: Response): Promise<unknown> {
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown;
    errors?: { extensions: { code: string } }[];
  };
  return errors.length === 0 ? data : [response.status, ...errors.map(({ extensions }) => extensions.code)];
}

async function post(body: object): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return answerOf(await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function get(parameters: Record<string, string>): Promise<unknown> {
  const headers = { "apollo-require-preflight": "1" };
  return answerOf(await fetch(`${gateway.url}/graphql?${new URLSearchParams(parameters).toString()}`, { headers }));
}

const persisted = (hash: string) => ({ persistedQuery: { version: 1, sha256Hash: hash } });
const TOLD = { root: { treeSize: 0 } };
const REFUSED = [403, "UNTRUSTED_DOCUMENT"];

describe("a gateway with a manifest", () => {
  test("logs nothing and reads nothing to get ready", () => {
    expect(callsAtStart).toEqual([]);
  });

  test("executes its documents, named in each way that clients have, or sent to the letter", async () => {
    const id = sha256(ROOT);
    expect(await post({ query: ROOT })).toEqual(TOLD);
    for (const documentId of [id, `sha256:${id}`]) expect(await post({ documentId })).toEqual(TOLD);
    expect(await post({ extensions: persisted(id) })).toEqual(TOLD);
    expect(await get({ documentId: id })).toEqual(TOLD);
    expect(await get({ query: ROOT })).toEqual(TOLD);
    expect(await get({ extensions: JSON.stringify(persisted(id)) })).toEqual(TOLD);
  });

  test("executes the operation that is asked for, with its variables", async () => {
    const body = { documentId: sha256(TWO), operationName: "B", variables: { n: 1 } };
    expect(await post(body)).toEqual({ search: { totalCount: 0 } });
    expect(await post({ ...body, operationName: "A" })).toEqual({ __typename: "Query" });
  });

  test("executes nothing else", async () => {
    const other = "query Root { root { hash } }";
    const bodies = [
      { query: other },
      { query: `${ROOT} ` },
      { query: other, documentId: sha256(ROOT) },
      { query: other, extensions: persisted(sha256(other)) },
      { documentId: sha256(other) },
      { documentId: "constructor" },
      { documentId: 7 },
      { extensions: persisted(sha256(other)) },
      { operationName: "Root" },
    ];
    for (const body of bodies) expect([body, await post(body)]).toEqual([body, REFUSED]);
    expect(await get({ query: other, documentId: sha256(ROOT) })).toEqual(REFUSED);
    expect(await get({})).toEqual(REFUSED);
  });

  test("tells nobody what is wrong with another document", async () => {
    expect(await post({ query: "{ no such" })).toEqual(REFUSED);
  });

  test("refuses a subscription that is not in it", async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query: "subscription { entryLogged { hash } }" }),
    });
    expect(await response.text()).toContain("UNTRUSTED_DOCUMENT");
  });
});

describe("a manifest that cannot be used stops the start", () => {
  test.each<[string, unknown, RegExp]>([
    ["no object", [], /expected a JSON object of texts/],
    [
      "a text under another hash",
      { abc: ROOT },
      new RegExp(`trusted document abc: expected the text's SHA-256 as its name, ${sha256(ROOT)}`),
    ],
    ["no text", { abc: 1 }, /trusted document abc: expected the text of a GraphQL document, got number/],
  ])("%s", (_, value, message) => {
    expect(() => TrustedDocuments.parse(value)).toThrow(message);
  });

  test.each(["{ root { nothing } }", "{ root", "{ __typename } { __typename }"])(
    "with the document %s",
    async (text) => {
      const service = await openTestService();
      const opened = testGateway(service, { trusted: TrustedDocuments.parse(manifest(text)) });
      await expect(opened).rejects.toThrow(/^trusted document .*: expected a valid document, got/);
      await service.close();
    },
  );
});
