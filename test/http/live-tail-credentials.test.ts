import { beforeEach, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { EVENTS } from "../access/credentials.js";
import { fill } from "../engine/test-log.js";
import { transports, type Event } from "./tail-clients.js";
import { FOLLOW, indexesOf, tailTest, take } from "./tail-test.js";

const tails = tailTest();

describe.each(transports)("a credential's live tail over %s", (transport) => {
  let apiKeys: string;
  beforeEach(async () => {
    apiKeys = join(await tails.folder(), "keys.json");
    await createKey(apiKeys, { name: "first", scopes: ["audit:admin"] }, new Date());
  });

  const key = async (grant: Partial<Parameters<typeof createKey>[1]>) => {
    const { text, stored } = await createKey(apiKeys, { name: "k", scopes: ["audit:read"], ...grant }, new Date());
    return { id: stored.id, authorization: `Bearer ${text}` };
  };
  const guarded = async () =>
    tails.opened({ access: await openAccess({ host: "127.0.0.1", apiKeys }), streamLimits: { recheckMs: 50 } });

  test("shows its tenant's entries only", async () => {
    const { authorization } = await key({ tenant: "globex" });
    await tails.service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
    const stream = tails.client(transport, await guarded(), { authorization }).iterate({
      query: "subscription { entryLogged(fromLeafIndex: 0) { leafIndex membershipProof { leafIndex } } }",
    });
    const shown = await take(stream, 2);
    expect(indexesOf(shown)).toEqual([2, 3]);
    expect(JSON.stringify(shown)).not.toContain("errors");
  });

  test("ends, with UNAUTHENTICATED, when the credential expires", async () => {
    await fill(tails.service, 1);
    const followed = async (lifeMs: number): Promise<readonly Event[]> => {
      const { authorization } = await key({ expiresAt: new Date(Date.now() + lifeMs).toISOString() });
      const stream = tails.client(transport, await guarded(), { authorization }).iterate({
        query: FOLLOW,
        variables: { from: 0 },
      });
      // On a slow machine it may expire before anything is shown: then it gets a longer life.
      return take(stream).catch(() => []);
    };
    let shown: readonly Event[] = [];
    for (let lifeMs = 700; shown.length < 2; lifeMs *= 2) shown = await followed(lifeMs);
    const [first, last, ...more] = shown;
    expect(first?.data?.entryLogged.leafIndex).toBe(0);
    expect(last?.errors?.[0]).toMatchObject({ extensions: { code: "UNAUTHENTICATED" } });
    expect(more).toEqual([]);
  });

  test("ends when the credential is revoked", async () => {
    const { id, authorization } = await key({});
    await fill(tails.service, 1);
    const stream = tails.client(transport, await guarded(), { authorization }).iterate({
      query: FOLLOW,
      variables: { from: 0 },
    });
    await stream.next();
    await revokeKey(apiKeys, id, new Date());
    expect((await take(stream))[0]?.errors?.[0]).toMatchObject({ extensions: { code: "UNAUTHENTICATED" } });
  });

  test.each([
    ["none", {}],
    ["a wrong one", { authorization: "Bearer wrong" }],
  ])("is not opened with %s", async (_, credential) => {
    const stream = tails.client(transport, await guarded(), credential).iterate({ query: FOLLOW });
    await expect(stream.next()).rejects.toBeDefined();
  });

  test("is not opened without the scope to read", async () => {
    const { authorization } = await key({ scopes: ["audit:log"] });
    const stream = tails.client(transport, await guarded(), { authorization }).iterate({ query: FOLLOW });
    expect(await take(stream).then(JSON.stringify, JSON.stringify)).toContain("FORBIDDEN");
  });
});
