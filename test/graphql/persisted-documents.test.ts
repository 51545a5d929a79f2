import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { PersistedDocuments } from "../../src/graphql/persisted-documents.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const TOLD = { root: { treeSize: 0 } };
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("a document that a client registers by its hash", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });
  afterAll(() => gateway.close());

  /** The data, or the code of the error, of a document named by its hash. */
  const ask = async (hash: string, query?: string): Promise<unknown> => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }),
    });
    const { data, errors } = (await response.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] };
    return errors?.[0]?.extensions.code ?? data;
  };

  test("is known from then on", async () => {
    const query = "{ root { treeSize } }";
    expect(await ask(hashOf(query))).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect(await ask(hashOf(query), query)).toEqual(TOLD);
    expect(await ask(hashOf(query))).toEqual(TOLD);
  });

  test("is executed, but not kept, when it is longer than 16,384 characters", async () => {
    const query = "{ root { treeSize } } #".padEnd(16_385, "x");
    expect(await ask(hashOf(query), query)).toEqual(TOLD);
    expect(await ask(hashOf(query))).toBe("PERSISTED_QUERY_NOT_FOUND");
    const longest = query.slice(0, 16_384);
    expect(await ask(hashOf(longest), longest)).toEqual(TOLD);
    expect(await ask(hashOf(longest))).toEqual(TOLD);
  });
});

describe("persisted documents", () => {
  const kept = async (documents: PersistedDocuments, count: number): Promise<readonly number[]> => {
    const found = await Promise.all(Array.from({ length: count }, (_, i) => documents.get(`apq:${i}`)));
    return found.flatMap((text, i) => (text === undefined ? [] : i));
  };

  test("are at most 16 MiB, of which the least recently used are dropped first", async () => {
    const documents = new PersistedDocuments();
    const text = "x".repeat(16_384);
    for (let i = 0; i < 600; i++) {
      await documents.set(`apq:${i}`, text);
      await documents.get("apq:0");
    }
    const left = await kept(documents, 600);
    expect(left.length * 2 * text.length).toBeLessThanOrEqual(16 * 1_024 * 1_024);
    expect(left.length).toBeGreaterThan(500);
    expect([left[0], left.at(-1)]).toEqual([0, 599]);
  });

  test("are at most 10,000", async () => {
    const documents = new PersistedDocuments();
    for (let i = 0; i < 10_001; i++) await documents.set(`apq:${i}`, "x");
    expect(await kept(documents, 10_001)).toHaveLength(10_000);
  });
});
