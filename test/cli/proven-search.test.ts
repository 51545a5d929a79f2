import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { searchLog, type SearchFlags } from "../../src/cli/search.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";

interface Edge {
  node: { leafIndex: number; hash: string; canonical: string };
  membershipProof: { leafIndex: number; path: string[]; rootHash: string; treeSize: number };
}

interface Connection {
  edges: Edge[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  completeness: { question: string; proof: string; root: { checkpoint: string }; index: { checkpoint: string } } | null;
}

type Forge = (connection: Connection, page: number) => void;

const SIZE = 230;
const FAILED = 46; // each fifth

let gateway: TestGateway;
let forger: Server;
let url = "";
let key = "";
let older: Connection;
let pages = 0;
let forge: Forge = () => undefined;

/** Stands between the command and the gateway, and changes what is answered. */
async function answered(body: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body });
  const answer = (await response.json()) as { data: { search: Connection } };
  forge(answer.data.search, pages++);
  return JSON.stringify(answer);
}

beforeAll(async () => {
  const service = await openTestService();
  gateway = await testGateway(service);
  const event = (i: number) => ({ message: `event ${i}`, status: i % 5 === 0 ? "failed" : "ok" });
  const events = Array.from({ length: SIZE }, (_, i) => ({ event: event(i) }));
  await service.append({ log: "default", events: events.slice(0, 100), sign: false, path: "events" });
  forger = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answered(Buffer.concat(chunks).toString()).then((text) => response.end(text)));
  });
  await new Promise<void>((resolve) => forger.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(forger.address() as AddressInfo).port}/graphql`;
  ({ verifierKey: key } = await service.identity("default"));
  await proven("status:failed", {}, (page) => (older = structuredClone(page)));
  await service.append({ log: "default", events: events.slice(100), sign: false, path: "events" });
});
afterAll(async () => {
  await gateway.close();
  await new Promise((resolve) => forger.close(resolve));
});

async function proven(query: string, more: Partial<SearchFlags> = {}, by: Forge = () => undefined) {
  [forge, pages] = [by, 0];
  const recorded = recordedOutput();
  const flags: SearchFlags = { url, limit: 1_000, order: "newest", style: "ndjson", prove: true, key, ...more };
  const code = await searchLog(query, flags, { token: undefined, output: recorded.output });
  const lines = recorded.written().split("\n").slice(0, -1);
  const leaves = lines.map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex);
  return { code, leaves, note: recorded.notes(), asked: pages };
}

test("prints what is proven, and says what that is", async () => {
  const failed = Array.from({ length: FAILED }, (_, i) => 5 * i);
  const words = "status:failed, newest first, all there are, of the first 230 of the log";
  expect(await proven("status:failed")).toEqual({
    code: 0,
    leaves: [...failed].reverse(),
    note: `proven: ${words}`,
    asked: 1,
  });
  const first = "status:failed, oldest first, the next 7, of the first 230 of the log";
  expect(await proven("status:failed", { order: "oldest", limit: 7 })).toMatchObject({
    code: 0,
    leaves: failed.slice(0, 7),
    note: `proven: ${first}`,
  });
  const all = await proven("", { order: "oldest" });
  expect(all).toMatchObject({ code: 0, leaves: Array.from({ length: SIZE }, (_, leaf) => leaf), asked: 3 });
  expect(await proven("(open")).toMatchObject({
    code: 2,
    note: expect.stringContaining("query"),
  });
  expect(await proven("absent")).toMatchObject({
    code: 0,
    leaves: [],
    note: expect.stringContaining("nothing was found"),
  });
});

test("asks once more behind a full last page, for only an empty one proves the end", async () => {
  const { asked, leaves, note } = await proven(
    "event",
    { since: "2020-01-01T00:00:00Z", limit: 1_000 },
    (page, number) => {
      if (number === 2) expect(page.edges).toHaveLength(SIZE - 200);
    },
  );
  expect([asked, leaves.length]).toEqual([3, SIZE]);
  expect(note).toContain("received from 2020-01-01T00:00:00.000000Z, newest first, all there are");
  const cut = await proven("status:ok", { limit: 1_000 }, ({ edges, pageInfo }, number) => {
    if (number === 0) [edges.length, pageInfo.hasNextPage] = [100, false];
  });
  expect([cut.code, cut.leaves.length, cut.asked]).toEqual([0, SIZE - FAILED, 2]);
});

const change = (edge: Edge | undefined, to: (edge: Edge) => void): void => {
  if (edge === undefined) throw new Error("there is no entry to change");
  to(edge);
};

test.each<[string, RegExp, Forge]>([
  ["leaves an entry out", /completeness is INVALID/, ({ edges }) => edges.splice(3, 1)],
  ["leaves out the last entries", /completeness is INVALID/, ({ edges }) => edges.splice(40)],
  ["says that nothing was found", /completeness is INVALID/, ({ edges }) => edges.splice(0)],
  ["swaps two entries", /completeness is INVALID/, ({ edges }) => edges.splice(0, 2, ...edges.slice(0, 2).reverse())],
  [
    "changes a text",
    /entry 225: hash is INVALID/,
    ({ edges }) => {
      change(edges[0], ({ node }) => (node.canonical = node.canonical.replace("event 225", "event 999")));
    },
  ],
  [
    "shows another entry's text",
    /entry 225: (hash|membership) is INVALID/,
    ({ edges }) => {
      change(edges[0], (edge) => (edge.node.canonical = edges[1]?.node.canonical ?? ""));
    },
  ],
  [
    "proves an entry in a tree that nobody signed",
    /entry 225: /,
    ({ edges }) => {
      change(edges[0], ({ membershipProof }) => (membershipProof.rootHash = "0".repeat(64)));
    },
  ],
  [
    "has no proof of an entry",
    /entry 225: membership is UNKNOWN/,
    ({ edges }) => {
      change(edges[0], (edge) => Reflect.deleteProperty(edge, "membershipProof"));
    },
  ],
  ["has no proof of completeness", /is UNKNOWN/, (page) => (page.completeness = null)],
  ["shows the log as it was", /entry|completeness|another/, (page) => (page.edges = older.edges)],
  [
    "proves another question",
    /the proof is of another question: status:fail, newest first/,
    (page) =>
      Object.assign(page, structuredClone(older), {
        completeness: { ...older.completeness, question: older.completeness?.question.replace("failed", "fail") ?? "" },
      }),
  ],
])("prints nothing of a page that %s", async (_, reason, by) => {
  const { code, leaves, note } = await proven("status:failed", {}, by);
  expect([code, leaves, note]).toEqual([1, [], expect.stringMatching(/^not proven, and not printed: /)]);
  expect(note).toMatch(reason);
});

test("accepts the log as it was, for the log signed that too, but not two of its trees in one answer", async () => {
  expect(await proven("status:failed", {}, (page) => Object.assign(page, structuredClone(older)))).toMatchObject({
    code: 0,
    leaves: expect.arrayContaining([95]),
  });
  const query = await proven("", {}, (page, number) => number === 1 && Object.assign(page, structuredClone(older)));
  expect([query.code, query.leaves.length]).toEqual([1, 100]);
});

test("does not ask for ever where an empty page is said not to be the last", async () => {
  const empty: Forge = ({ edges, pageInfo }) => {
    edges.length = 0;
    [pageInfo.hasNextPage, pageInfo.endCursor] = [true, pageInfo.endCursor ?? "cursor"];
  };
  const { code, note, asked } = await proven("status:failed", { prove: false }, empty);
  expect([code, note, asked]).toEqual([
    2,
    expect.stringContaining("an empty page, and says that it is not the last"),
    1,
  ]);
});

test("says what nothing can be proven of", async () => {
  for (const [flags, reason] of [
    [{ key: "no key" }, "--key: expected a verifier key"],
    [{ since: "7d" }, "--prove: expected --since and --until as times"],
    [{ until: "2026-01-01T00:00:00Z", since: "2027-01-01T00:00:00Z" }, "in their order"],
  ] as const)
    expect(await proven("", flags)).toEqual({ code: 2, leaves: [], note: expect.stringContaining(reason), asked: 0 });
  const recorded = recordedOutput();
  const flags: SearchFlags = { url, limit: 1, order: "newest", style: "ndjson", prove: true };
  expect(await searchLog("", flags, { token: undefined, output: recorded.output })).toBe(2);
  expect(recorded.notes()).toContain("with --key");
});
