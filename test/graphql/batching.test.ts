import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { ResultPage } from "../../src/audit/service.js";
import { globalId } from "../../src/graphql/global-id.js";
import { MAX_ROOTS } from "../../src/graphql/context.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";
import { replaced, watched } from "./watched.js";

let gateway: TestGateway;
let calls: string[];

beforeAll(async () => {
  const service = await openTestService();
  await logMessages(service, 60);
  const counting = replaced(service, {
    search: async (...args) => noting(await service.search(...args)),
  });
  const watching = watched(counting);
  calls = watching.calls;
  gateway = await testGateway(watching.object);
});

beforeEach(() => {
  calls.length = 0;
});

afterAll(() => gateway.close());

/** The page, whose result notes when its total or a cursor is asked for. */
function noting(page: ResultPage): ResultPage {
  const note = (name: string) => calls.push(name);
  const { result } = page;
  const noted = replaced(result, {
    totalCount: () => (note("totalCount"), result.totalCount()),
    cursor: (position) => (note("cursor"), result.cursor(position)),
  });
  return { ...page, result: noted };
}

/** How often the service was asked what, by one operation that succeeds. */
async function costOf(query: string): Promise<Readonly<Record<string, number>>> {
  const { errors } = await gateway.text(query);
  expect(errors).toBeUndefined();
  const names = calls.filter((name) => name !== "identity");
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((other) => other === name).length]));
}

describe("what an operation costs", () => {
  test("a page of 50 with proofs and verdicts reads entries, proofs and root once each", async () => {
    const proofs =
      "membershipProof { path } verification { hash { status } signature { status } membership { status } consistency { status } }";
    const query = `{ search(first: 50) { root { hash } edges { node { leafIndex } ${proofs} } nodes { hash } } }`;
    expect(await costOf(query)).toEqual({
      ...{ search: 1, entries: 1, root: 1 },
      ...{ membershipProofs: 1, membershipVerdicts: 1, consistency: 1 },
    });
  });

  test("a page with proofs under the newest root reads that root once", async () => {
    const query = "{ search(first: 50) { nodes { membershipProof { path } verification { membership { status } } } } }";
    expect(await costOf(query)).toEqual({
      ...{ search: 1, entries: 1, root: 1 },
      ...{ membershipProofs: 1, membershipVerdicts: 1 },
    });
  });

  test("a check of hashes and signatures reads no root", async () => {
    const query = "{ search(first: 50) { nodes { verification { hash { status } signature { status } } } } }";
    expect(await costOf(query)).toEqual({ search: 1, entries: 1 });
  });

  test("a page without proofs proves nothing, counts nothing and signs no cursor", async () => {
    expect(await costOf("{ search(first: 50) { nodes { event { message } } } }")).toEqual({ search: 1, entries: 1 });
  });

  test("a page of which only the total is wanted reads no entry", async () => {
    expect(await costOf("{ search { totalCount } }")).toEqual({ search: 1, totalCount: 1 });
  });

  test("proofs in two trees are two batches", async () => {
    const query =
      "{ search(first: 20, orderBy: { direction: ASC }) { nodes { a: membershipProof(treeSize: 30) { text } b: membershipProof(treeSize: 40) { text } } } }";
    expect(await costOf(query)).toEqual({ search: 1, entries: 1, membershipProofs: 2 });
  });

  test("entries by id are read together, each once", async () => {
    const fields = [0, 1, 2, 2].map((leafIndex, i) => `e${i}: entry(leafIndex: ${leafIndex}) { hash }`).join(" ");
    expect(await costOf(`{ ${fields} }`)).toEqual({ entries: 1 });
  });

  test("the newest root is one root for the whole request", async () => {
    expect(
      await costOf("{ a: root { hash } b: root { hash publicKey } entry(leafIndex: 1) { membershipProof { path } } }"),
    ).toEqual({
      root: 1,
      ...{ entries: 1, membershipProofs: 1 },
    });
  });

  test("a receipt's proofs need no other root than the receipt's", async () => {
    const query = 'mutation { log(event: { message: "m" }) { verification { membership { status } } root { hash } } }';
    expect(await costOf(query)).toEqual({ append: 1, membershipVerdicts: 1 });
  });
});

test("of the roots of the past a request may ask for so many and no more, each counted once", async () => {
  const service = await openTestService();
  await logMessages(service, MAX_ROOTS + 1);
  const own = await testGateway(service);
  const ids = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => globalId({ type: "Root", log: "default", place: from + i }));
  const refused = async (...lists: readonly (readonly string[])[]) => {
    const query = lists.map((list, i) => `n${i}: nodes(ids: ${JSON.stringify(list)}) { id }`).join(" ");
    const { errors = [] } = await own.text(`{ ${query} }`);
    return errors.map(({ message }) => message);
  };
  expect(await refused(ids(1, MAX_ROOTS - 1))).toEqual([]);
  expect(await refused(ids(1, MAX_ROOTS), ids(1, 2))).toEqual([]);
  const message = `One request may ask for at most ${MAX_ROOTS} past roots.`;
  expect(await refused(ids(1, MAX_ROOTS), ids(MAX_ROOTS + 1, 1))).toEqual([message]);
  await own.close();
});
