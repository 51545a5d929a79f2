import { afterAll, beforeAll, expect, test as anyTest } from "@jest/globals";
import type { ContractTest } from "../audit/contract-test.js";
import { HOLDS } from "../../src/cli/verify.js";
import type { FormatName } from "../../src/core/format.js";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { verified } from "../cli/verifiers.js";
import {
  EntryDocument,
  LogBulkDocument,
  LogDocument,
  NodeDocument,
  NodesDocument,
  ResultsDocument,
  RootDocument,
  SearchDocument,
  VerifiedSearchDocument,
} from "../generated/operations.js";
import type { OpenGateway, TestGateway } from "./gateway.js";

const COUNT = 25;
const valid = { status: "VALID", reason: null };
const unsigned = { status: "UNKNOWN", reason: "NO_SIGNATURE" };

const EVENTS = Array.from({ length: COUNT }, (_, i) => ({
  message: `event ${i}`,
  actor: i % 2 === 0 ? "alice" : "bob",
  tenantId: "acme",
}));

/** What a front end may expect of a gateway, whatever keeps the log. */
export function frontEndContract(
  open: OpenGateway,
  { format = "rfc6962", test = anyTest }: { readonly format?: FormatName; readonly test?: ContractTest } = {},
): void {
  let gateway: TestGateway;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ gateway, close } = await open());
    await gateway.data(LogBulkDocument, { events: EVENTS });
  });
  afterAll(() => close());

  /** A value of an event: the format pangea has text only. */
  const inFormat = (value: Json): Json => (format === "pangea" ? canonicalJson(value) : value);

  async function firstPage(first: number, after: string | null) {
    const { search } = await gateway.data(SearchDocument, {
      ...{ query: "", first, after },
      restriction: { tenantId: ["acme"], actor: ["alice", "bob"] },
      orderBy: { direction: "ASC" },
    });
    return search;
  }

  test("logs an event and gets its place, its proof and every verdict", async () => {
    const event = { message: { b: 1, a: ["x", null] }, actor: "carol", new: "text", old: null, tenantId: "acme" };
    const { log } = await gateway.data(LogDocument, { event });
    expect(log.entry.event).toEqual({
      ...{ message: inFormat(event.message), actor: "carol", new: "text", tenantId: "acme" },
      ...{ action: null, old: null, source: null, status: null, target: null, timestamp: null },
    });
    expect(log.entry.canonical).not.toContain('"old"');
    expect(log.root.treeSize).toBe(log.entry.leafIndex + 1);
    expect(log.membershipProof).toMatchObject({ treeSize: log.root.treeSize, rootHash: log.root.hash });
    expect(log.verification).toEqual({ hash: valid, signature: unsigned, membership: valid, consistency: valid });
  });

  test("has the gateway sign an event, and the signature verified", async () => {
    const { log } = await gateway.data(LogDocument, { event: { message: "signed" }, sign: true });
    expect(log.verification.signature).toEqual(valid);
    expect(log.entry.signature).toMatch(/^[A-Za-z0-9+/]{86}==$/);
  });

  test("logs many events next to each other, in their order", async () => {
    const { logBulk } = await gateway.data(LogBulkDocument, { events: [{ message: "one" }, { message: "two" }] });
    const [one, two] = logBulk.receipts.map(({ entry }) => entry);
    expect(two?.leafIndex).toBe((one?.leafIndex ?? 0) + 1);
    expect(logBulk.root.treeSize).toBe((two?.leafIndex ?? 0) + 1);
  });

  test("finds its own event at once", async () => {
    await gateway.data(LogDocument, { event: { message: "needle in a haystack", action: "hide" } });
    const { search } = await gateway.data(SearchDocument, { query: "needle action:hide" });
    expect(search.edges.map(({ node }) => node?.event.message)).toEqual(["needle in a haystack"]);
    expect(search.totalCount).toBe(1);
  });

  test("pages forward to the end without a gap while the log grows", async () => {
    const messages: unknown[] = [];
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof firstPage>> = await firstPage(10, after);
      messages.push(...page.edges.map(({ node }) => node?.event.message));
      await gateway.data(LogDocument, {
        event: { message: "event of the meantime", actor: "alice", tenantId: "acme" },
      });
      after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
    } while (after !== null);
    expect(messages).toEqual(Array.from({ length: COUNT }, (_, i) => `event ${i}`));
  });

  test("pages backward, each page in the order of the result", async () => {
    const order = { field: "RECEIVED_AT", direction: "ASC" } as const;
    const variables = { query: "event", maxResults: COUNT, orderBy: order };
    const { search: last } = await gateway.data(SearchDocument, { ...variables, last: 3 });
    expect(last.edges.map(({ node }) => node?.event.message)).toEqual(["event 22", "event 23", "event 24"]);
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const before = last.pageInfo.startCursor ?? null;
    const { search: previous } = await gateway.data(SearchDocument, { ...variables, last: 2, before });
    expect(previous.edges.map(({ node }) => node?.event.message)).toEqual(["event 20", "event 21"]);
  });

  test("narrows a search by whole values and by time", async () => {
    const restriction = { actor: ["bob"], tenantId: ["acme", "other"] };
    const { search } = await gateway.data(SearchDocument, { restriction, window: { last: "1h" } });
    expect(search.totalCount).toBe(Math.floor(COUNT / 2));
    const { search: none } = await gateway.data(SearchDocument, {
      restriction,
      window: { end: "2001-01-01T00:00:00Z" },
    });
    expect(none).toMatchObject({ totalCount: 0, edges: [], pageInfo: { startCursor: null, endCursor: null } });
  });

  test("comes back to a result by its id, at any offset", async () => {
    const { search } = await gateway.data(SearchDocument, { query: "event", first: 5, maxResults: COUNT });
    const { results } = await gateway.data(ResultsDocument, { id: search.resultId, first: 2, offset: 3 });
    expect(results.edges).toEqual(search.edges.slice(3, 5));
    const after = results.edges.at(-1)?.cursor ?? null;
    const { results: next } = await gateway.data(ResultsDocument, { id: search.resultId, first: 2, after });
    expect(next.edges).toHaveLength(2);
    expect(next.edges[0]?.node?.id).not.toBe(results.edges[1]?.node?.id);
  });

  test("gets a page whose proofs all lead to the page's root", async () => {
    const { search } = await gateway.data(VerifiedSearchDocument, { first: 20 });
    expect(search.edges).toHaveLength(20);
    for (const edge of search.edges) {
      expect(edge.membershipProof).toMatchObject({ treeSize: search.root.treeSize, rootHash: search.root.hash });
      expect(edge.verification).toMatchObject({ hash: valid, membership: valid, consistency: valid });
    }
  });

  test("takes a page along, and has it verified where no gateway is trusted", async () => {
    const { search } = await gateway.data(VerifiedSearchDocument, { query: "event", first: 5 });
    const { origin, publicKey } = search.root;
    const entries = search.edges.map(({ node, membershipProof }) => ({ ...node, membershipProof }));
    const document = { format, origin, publicKey, entries, roots: [search.root] };
    const { code, lines } = await verified(document, { key: publicKey });
    expect(code).toBe(HOLDS);
    expect(lines).toHaveLength(5 * 4 + 2);
  });

  test("fetches a root with the proof that an older one is its prefix", async () => {
    const { root: old } = await gateway.data(RootDocument, { treeSize: 7, fromSize: 3 });
    const { root } = await gateway.data(RootDocument, { fromSize: 7 });
    expect(root.consistencyProof).toMatchObject({ fromHash: old.hash, toHash: root.hash, toSize: root.treeSize });
    expect(root.verification).toEqual({ checkpoint: valid, consistency: valid });
    expect(old.verification).toEqual({ checkpoint: valid, consistency: valid });
    expect(root.checkpoint.split("\n").slice(0, 2)).toEqual([root.origin, String(root.treeSize)]);
    expect(root.publicKey.startsWith(`${root.origin}+`)).toBe(true);
  });

  test("fetches an entry by its place or its hash, with a proof in an older tree", async () => {
    const { entry } = await gateway.data(EntryDocument, { leafIndex: 4, treeSize: 9 });
    expect(entry?.membershipProof.treeSize).toBe(9);
    const byHash = await gateway.data(EntryDocument, { hash: entry?.hash ?? null, treeSize: 9 });
    expect(byHash.entry).toEqual(entry);
  });

  test("gets null for a place that the log does not have", async () => {
    expect(await gateway.data(EntryDocument, { leafIndex: 1_000_000 })).toEqual({ entry: null });
  });

  test("gets null for a hash that nobody logged", async () => {
    expect(await gateway.data(EntryDocument, { hash: "0".repeat(64) })).toEqual({ entry: null });
  });

  test("fetches anything again by its global id", async () => {
    const id = (await firstPage(3, null)).edges[2]?.node?.id ?? "";
    const { root } = await gateway.data(RootDocument, { treeSize: 5, fromSize: 4 });
    const { nodes } = await gateway.data(NodesDocument, { ids: [root.id, id, root.id] });
    const rootNode = { __typename: "AuditRoot", id: root.id, treeSize: 5 };
    expect(nodes).toEqual([rootNode, { __typename: "AuditEntry", id, leafIndex: 2 }, rootNode]);
    expect((await gateway.data(NodeDocument, { id })).node).toEqual({
      ...{ __typename: "AuditEntry", id },
      event: { message: "event 2" },
    });
  });
}
