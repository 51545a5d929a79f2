import type { Locator, Page } from "playwright-core";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { gatewayFolder, removeFolder } from "../gateway.js";
import { openHostApplication, REACTS, type HostApplication, type HostPage } from "./host-application.js";
import { openSite, type Site } from "./site.js";

/** What the address bar has behind the application's host: none of it is for the viewer. */
export const PLACE = "/app/trail?their=own#place";
export const ACME = 'tenant_id="acme"';
export const LOG_BULK = `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize } } }`;

interface Opening {
  readonly at?: HostApplication;
  /** Before the page is there. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A gateway that wants a credential, with twenty entries of each of two tenants, and applications that its answers are allowed for. */
export interface EmbeddedSite {
  readonly site: Site;
  readonly key: string;
  /** With React 19, and with React 18. */
  readonly hosts: readonly [HostApplication, HostApplication];
  readonly ask: (query: string, variables?: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** The application with these components, in a browser that was never here before. */
  readonly opened: (page: Partial<HostPage>, opening?: Opening) => Promise<Page>;
  readonly close: () => Promise<void>;
}

export async function openEmbeddedSite(): Promise<EmbeddedSite> {
  const folder = gatewayFolder();
  const apiKeys = join(folder, "keys.json");
  const order = { name: "an application", scopes: ["audit:read", "audit:log"] } as const;
  const { text: key } = await createKey(apiKeys, order, new Date());
  const hosts = await Promise.all([openHostApplication(REACTS[19]), openHostApplication(REACTS[18])]);
  const origins = hosts.map(({ url }) => url).join();
  const site = await openSite({ AUDITQL_API_KEYS: apiKeys, AUDITQL_CORS_ORIGINS: origins });
  const ask = (query: string, variables = {}) => askGateway(site, key, { query, variables });
  await ask(LOG_BULK, { events: eventsOf("acme", "globex") });
  const opened = async (page: Partial<HostPage>, { at = hosts[0], prepare }: Opening = {}): Promise<Page> => {
    at.show(pageOf(page, { site, key }), site.gateway.url);
    const shown = await newPage(site);
    await prepare?.(shown);
    await shown.goto(at.url + PLACE);
    return shown;
  };
  const close = async (): Promise<void> => {
    await site.close();
    for (const host of hosts) host.close();
    removeFolder(folder);
  };
  return { site, key, hosts, ask, opened, close };
}

function eventsOf(...tenants: readonly string[]) {
  return tenants.flatMap((tenantId) =>
    Array.from({ length: 20 }, (_, i) => ({
      ...{ actor: i % 2 === 0 ? "dana" : "erin", action: "change", target: `invoice ${i}`, tenantId, status: "ok" },
      ...{ message: `${tenantId} ${i}`, old: { amount: 1 }, new: { amount: 2 } },
    })),
  );
}

async function askGateway(site: Site, key: string, asked: object): Promise<unknown> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const response = await fetch(`${site.gateway.url}/graphql`, { method: "POST", headers, body: JSON.stringify(asked) });
  return ((await response.json()) as { readonly data: unknown }).data;
}

function pageOf(
  { tables = [{}], entry, tokens }: Partial<HostPage>,
  { site, key }: Pick<EmbeddedSite, "site" | "key">,
) {
  const placed = (props: object) => ({ endpoint: `${site.gateway.url}/graphql`, ...props });
  return { tokens: tokens ?? [key], tables: tables.map(placed), ...(entry && { entry: placed(entry) }) };
}

async function newPage(site: Site): Promise<Page> {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => site.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => site.complaints.push(error.message));
  return page;
}

export function trail(page: Page, number: number): Locator {
  return page.getByRole("region", { name: `Trail ${number}` });
}

export function rowOf(within: Page | Locator, text: string): Locator {
  return within.getByRole("row").filter({ hasText: text });
}

export function panel(within: Page | Locator): Locator {
  return within.getByRole("dialog", { name: /^Entry/ });
}

/** Green locks. */
export function lock(within: Page | Locator): Locator {
  return within.getByRole("img", { name: "Verified", exact: true });
}

export function counted(within: Page | Locator, text: string): Locator {
  return within.getByRole("status").getByText(text, { exact: true });
}

export async function searchIn(within: Page | Locator, query: string): Promise<void> {
  await within.locator(".query-editor").waitFor();
  await within.getByRole("textbox", { name: "Search query" }).fill(query);
  await within.getByRole("button", { name: "Search", exact: true }).click();
}
