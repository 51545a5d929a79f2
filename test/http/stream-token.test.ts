import { beforeEach, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import type { Access } from "../../src/access/authenticate.js";
import { sealLink } from "../../src/downloads/link.js";
import { LOOPBACK } from "../../src/audit/principal.js";
import { sealStreamToken } from "../../src/http/streams/stream-token.js";
import { TokenSealer } from "../../src/keys/sealed-token.js";
import { EVENTS } from "../access/credentials.js";
import { clientExamples } from "../documents/client-examples.js";
import { hasBrowser, launchBrowser } from "../browser.js";
import { fill } from "../engine/test-log.js";
import { describeWith } from "../service.js";
import { revocableKey } from "./revoked-keys.js";
import { tailTest } from "./tail-test.js";

const tails = tailTest();
const sealer = new TokenSealer(Buffer.alloc(32, 7));
const SAME_ORIGIN = { accept: "text/event-stream", "sec-fetch-site": "same-origin" };
const ROOT = "{ root { treeSize } }";

let apiKeys: string;
beforeEach(async () => {
  apiKeys = join(await tails.folder(), "keys.json");
  await createKey(apiKeys, { name: "operator", scopes: ["audit:admin"] }, new Date());
});

async function keyOf(grant: Partial<Parameters<typeof createKey>[1]> = {}) {
  const { text, stored } = await createKey(apiKeys, { name: "page", scopes: ["audit:read"], ...grant }, new Date());
  return { id: stored.id, authorization: `Bearer ${text}` };
}

/** Behind the keys that were made before it. */
async function guarded(access?: Access) {
  const keys = access ?? (await openAccess({ host: "127.0.0.1", apiKeys }));
  return tails.opened({ sealer, access: keys, streamLimits: { recheckMs: 50 } });
}

async function tokenFrom(url: string, authorization: string): Promise<string> {
  const response = await fetch(`${url}/stream-tokens`, { method: "POST", headers: { authorization } });
  expect(response.status).toBe(201);
  const { token, expiresAt } = (await response.json()) as { token: string; expiresAt: string };
  expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
  return token;
}

const stream = (url: string, token: string, query = ROOT) =>
  fetch(`${url}/graphql?query=${encodeURIComponent(query)}&token=${token}`, { headers: SAME_ORIGIN });

describe("a stream token", () => {
  test("opens streams as its credential may, and again", async () => {
    await tails.service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
    const { authorization } = await keyOf({ tenant: "globex" });
    const { url } = await guarded();
    const token = await tokenFrom(url, authorization);
    for (let opened = 0; opened < 2; opened++) {
      const text = await (await stream(url, token, "{ search { nodes { event { tenantId } } } }")).text();
      const tenants = [...text.matchAll(/"tenantId":"(\w+)"/g)].map(([, tenant]) => tenant);
      expect(tenants).toEqual(["globex", "globex"]);
    }
  });

  test("has the scopes of its credential", async () => {
    const { authorization } = await keyOf({ scopes: ["audit:log"] });
    const { url } = await guarded();
    const token = await tokenFrom(url, authorization);
    expect(await (await stream(url, token)).text()).toContain("FORBIDDEN");
  });

  test("changes nothing, and is no credential of a POST", async () => {
    const { authorization } = await keyOf({ scopes: ["audit:admin"] });
    const { url } = await guarded();
    const token = await tokenFrom(url, authorization);
    const log = 'mutation { log(event: { message: "m" }) { entry { leafIndex } } }';
    expect((await stream(url, token, log)).status).toBe(405);
    const asPost = await fetch(`${url}/graphql?token=${token}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query: log }),
    });
    expect(asPost.status).toBe(401);
    const asBearer = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: ROOT }),
    });
    expect(asBearer.status).toBe(401);
    expect((await tails.service.root("default")).treeSize).toBe(0);
  });

  test("opens nothing once its credential is revoked, and what it opened ends", async () => {
    await fill(tails.service, 1);
    const { access, authorization, revoke } = await revocableKey(await tails.folder());
    const { url } = await guarded(access);
    const token = await tokenFrom(url, authorization);
    const open = await stream(url, token, "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }");
    await revoke();
    expect(await open.text()).toMatch(/UNAUTHENTICATED.*event: complete/s);
    expect((await stream(url, token)).status).toBe(401);
  });

  test("is refused where the credential has expired, changed, or never was", async () => {
    const { id, authorization } = await keyOf();
    const { url } = await guarded();
    const token = await tokenFrom(url, authorization);
    const holder = { id: `api-key:${id}`, kind: "api-key", scopes: new Set(["audit:read"] as const) } as const;
    const inAMinute = Date.now() + 60_000;
    const link = { id: "1", everyMatch: false, format: "CSV", expiresAtMs: inAMinute } as const;
    const refused = {
      altered: `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`,
      expired: sealStreamToken(sealer, holder, Date.now() - 1),
      ofAnotherKey: sealStreamToken(new TokenSealer(Buffer.alloc(32, 8)), holder, inAMinute),
      ofNobody: sealStreamToken(sealer, { ...holder, id: "api-key:unknown" }, inAMinute),
      ofAnOpenGateway: sealStreamToken(sealer, LOOPBACK, inAMinute),
      aDownloadLink: sealLink(sealer, { ...link, principal: holder }),
      empty: "",
    };
    const good = await stream(url, sealStreamToken(sealer, holder, inAMinute));
    expect(good.status).toBe(200);
    for (const [name, text] of Object.entries(refused))
      expect([name, (await stream(url, text)).status]).toEqual([name, 401]);
  });

  test("is given to credentials alone, and for no longer than they live", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const { authorization } = await keyOf({ expiresAt: soon });
    const { url } = await guarded();
    expect((await fetch(`${url}/stream-tokens`, { method: "POST" })).status).toBe(401);
    expect((await fetch(`${url}/stream-tokens`)).status).toBe(404);
    const response = await fetch(`${url}/stream-tokens`, { method: "POST", headers: { authorization } });
    const { expiresAt } = (await response.json()) as { expiresAt: string };
    expect(Date.parse(expiresAt)).toBe(Date.parse(soon));
  });
});

describeWith("chromium", hasBrowser, () => {
  test("its EventSource follows the log with a token, as docs/clients.md says", async () => {
    await fill(tails.service, 1);
    const { authorization } = await keyOf();
    const gateway = await guarded();
    const browser = await launchBrowser();
    tails.after(() => browser.close());
    const page = await browser.newPage();
    await page.route(`${gateway.url}/app`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html>" }),
    );
    await page.goto(`${gateway.url}/app`);
    const [example] = clientExamples().get("EventSource") ?? [];
    const text = example?.text.replaceAll("127.0.0.1:4000", new URL(gateway.url).host) ?? "";
    const first = page.waitForEvent("console");
    await page.addScriptTag({
      content: `const authorization = ${JSON.stringify(authorization)};\n${text}`,
      type: "module",
    });
    expect((await first).text()).toBe("0");
    const second = page.waitForEvent("console");
    await fill(tails.service, 1);
    expect((await second).text()).toBe("1");
  });
});
