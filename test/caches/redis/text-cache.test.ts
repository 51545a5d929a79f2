import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { RedisTextCache } from "../../../src/caches/redis/text-cache.js";
import { openTestService } from "../../engine/test-log.js";
import { compileAtHit, testGateway, type TestGateway } from "../../graphql/gateway.js";
import { describeWith } from "../../service.js";
import { eventually, redisProgram, RedisServer } from "../redis-server.js";

const QUERY = "{ root { treeSize } }";
const HASH = createHash("sha256").update(QUERY).digest("hex");
const TOLD = { root: { treeSize: 0 } };

/** The data, or the code of the error, of a document named by its hash. */
async function ask({ url }: TestGateway, query?: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } }),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code ?? data;
}

describeWith("redis-server", redisProgram !== undefined, () => {
  let server: RedisServer;
  let gateways: readonly { readonly texts: RedisTextCache; readonly gateway: TestGateway }[];

  const open = async () => {
    const texts = new RedisTextCache({ url: server.url, origin: "test.example" });
    await eventually(async () => {
      await texts.put("probe", "answers");
      return (await texts.get("probe")) === "answers";
    });
    return { texts, gateway: await testGateway(await openTestService(), { texts, compileAtHit }) };
  };

  beforeAll(async () => {
    server = await RedisServer.start();
    gateways = [await open(), await open()];
  });

  afterAll(async () => {
    for (const { texts, gateway } of gateways) {
      await gateway.close();
      await texts.close();
    }
    await server.kill();
  });

  const [first, second] = [() => at(0), () => at(1)];
  const at = (place: number) => {
    const found = gateways[place];
    if (found === undefined) throw new Error("not opened");
    return found;
  };

  test("a document registered with one gateway is known to another, for a day at most", async () => {
    expect(await ask(second().gateway)).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect(await ask(first().gateway, QUERY)).toEqual(TOLD);
    expect(await ask(second().gateway)).toEqual(TOLD);
    const ttl = Number((await server.command(`PTTL auditql:1:test.example:text:apq:${HASH}`)).slice(1));
    expect(ttl).toBeGreaterThan(86_000_000);
    expect(ttl).toBeLessThanOrEqual(86_400_000);
  });

  test("another document that somebody put under its hash is not executed", async () => {
    await first().texts.put(`apq:${HASH}`, "{ root { hash } }");
    expect(await ask(second().gateway)).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect(await ask(first().gateway, QUERY)).toEqual(TOLD);
    expect(await ask(second().gateway)).toEqual(TOLD);
  });

  test("without Redis a hash is unknown, and whoever sends the text is served", async () => {
    await server.kill();
    expect(await ask(second().gateway)).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect(await ask(second().gateway, QUERY)).toEqual(TOLD);
  });
});
