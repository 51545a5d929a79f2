import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { hasBrowser } from "../browser.js";
import { gatewayFolder, removeFolder } from "../gateway.js";
import { describeWith } from "../service.js";
import { count, openSite, rows, START_MS, visit, type Site } from "./site.js";

describeWith("chromium, the viewer of a gateway that asks for a credential", hasBrowser, () => {
  const folder = gatewayFolder();
  const apiKeys = join(folder, "keys.json");
  let site: Site;
  let key: string;
  beforeAll(async () => {
    key = (await createKey(apiKeys, { name: "an auditor", scopes: ["audit:admin"] }, new Date())).text;
    site = await openSite({ AUDITQL_API_KEYS: apiKeys });
    await fetch(`${site.gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: 'mutation { log(event: { message: "secret" }) { root { treeSize } } }' }),
    });
  }, START_MS);
  afterAll(async () => {
    await site.close();
    removeFolder(folder);
  });

  const signIn = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel("API key or token").fill(text);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  test("asks for one before anything else, and says when it is not accepted", async () => {
    const page = await visit(site);
    await page.getByText("This gateway asks for a credential.").waitFor();
    await signIn(page, "wrong");
    await page.getByRole("alert").getByText("The gateway does not accept this credential").waitFor();
    await signIn(page, `Bearer ${key}`);
    await count(page, "1 entry").waitFor();
    await rows(page).first().getByText("secret").waitFor();
  });

  test("keeps it for the tab alone, over a reload and for GraphiQL, and forgets it when asked to", async () => {
    const page = await visit(site, "/?q=secret&entry=0");
    await signIn(page, key);
    await page.getByRole("dialog").getByText("secret").first().waitFor();
    await page.reload();
    await count(page, "1 entry").waitFor();
    expect(await page.evaluate<string>("JSON.stringify([localStorage, document.cookie])")).not.toContain(key);
    const other = await page.context().newPage();
    await other.goto(site.gateway.url);
    await other.getByText("This gateway asks for a credential.").waitFor();
    await page.getByRole("link", { name: "GraphiQL" }).click();
    await page.locator(".credential-bar").getByText("Sent with every operation").waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("This gateway asks for a credential.").waitFor();
    expect(await page.evaluate<string>("JSON.stringify(sessionStorage)")).not.toContain(key);
  });

  test("shows nothing that was asked for with another one, even where its answer comes late", async () => {
    const page = await visit(site);
    await signIn(page, key);
    await count(page, "1 entry").waitFor();
    const held = await heldAnswers(page);
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await held.first;
    await page.getByRole("button", { name: "Sign out" }).click();
    held.release();
    await page.getByText("This gateway asks for a credential.").waitFor();
  });

  test("copies commands without it", async () => {
    const page = await visit(site, "/?entry=0", { permissions: ["clipboard-read", "clipboard-write"] });
    await signIn(page, key);
    await page.getByRole("dialog").getByRole("button", { name: "Copy" }).click();
    await page.getByRole("menuitem", { name: "curl" }).click();
    await page.getByText("Copied").waitFor();
    const command = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(command).toContain("$AUDITQL_KEY");
    expect(command).not.toContain(key);
  });

  test("shows a credential's own entries alone, and says nothing of the others", async () => {
    const tenant = { name: "a tenant", scopes: ["audit:read"] as const, tenant: "acme" };
    const { text } = await createKey(apiKeys, tenant, new Date());
    const page = await visit(site);
    await signInOnceKnown(page, text);
    await page.getByText("This log has no entries yet").waitFor();
  });

  test("asks again when the credential is revoked", async () => {
    const { text, stored } = await createKey(apiKeys, { name: "for a while", scopes: ["audit:read"] }, new Date());
    const page = await visit(site);
    await signInOnceKnown(page, text);
    await count(page, "1 entry").waitFor();
    await page.getByRole("button", { name: "Live" }).click();
    await revokeKey(apiKeys, stored.id, new Date());
    await page.getByRole("alert").getByText("The gateway does not accept this credential").waitFor();
  });

  /** Gateways read the file of keys again within a second: whoever is early tries again. */
  const signInOnceKnown = async (page: Page, text: string): Promise<void> => {
    const refused = page.getByRole("alert");
    const found = page.locator(".status-line").getByText(/^\d+ entr/);
    do {
      await signIn(page, text);
      await refused.or(found).first().waitFor();
    } while (await refused.isVisible());
  };
});

/** Holds back the answers to what the page asks from now on, and tells of the first. */
async function heldAnswers(page: Page) {
  const events = new EventEmitter();
  const [first, released] = [once(events, "first"), once(events, "release")];
  await page.route("**/graphql", async (route) => {
    const response = await route.fetch();
    events.emit("first");
    await released;
    await route.fulfill({ response });
  });
  return { first, release: () => events.emit("release") };
}
