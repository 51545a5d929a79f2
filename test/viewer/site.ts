import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "../browser.js";
import { gatewayFolder, graphqlData, removeFolder, startGateway, type GatewayProcess } from "../gateway.js";

export const START_MS = 180_000;

export interface Site {
  readonly folder: string;
  readonly gateway: GatewayProcess;
  readonly browser: Browser;
  /** What the pages asked for, and what browsers complained about. */
  readonly requests: string[];
  readonly complaints: string[];
  close(): Promise<void>;
}

/** A gateway of its own, and a browser. */
export async function openSite(env: Readonly<Record<string, string>> = {}): Promise<Site> {
  const folder = gatewayFolder();
  const [gateway, browser] = await Promise.all([startGateway({ folder, env }), launchBrowser()]);
  const close = async (): Promise<void> => {
    await browser.close();
    await gateway.stop();
    removeFolder(folder);
  };
  return { folder, gateway, browser, requests: [], complaints: [], close };
}

/** A page of a browser that was never here before. */
export async function visit(site: Site, path = "/", options: BrowserContextOptions = {}): Promise<Page> {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => site.requests.push(request.url()));
  page.on("console", (message) => site.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => site.complaints.push(error.message));
  await page.goto(site.gateway.url + path);
  return page;
}

export type Events = readonly Readonly<Record<string, unknown>>[];

export async function logAll(url: string, events: Events, sign = false): Promise<void> {
  const mutation = `mutation ($events: [AuditEventInput!]!, $sign: Boolean) {
    logBulk(events: $events, sign: $sign) { root { treeSize } }
  }`;
  await graphqlData(url, mutation, { events, sign });
}

/** The table's rows in sight, as people see them. */
export function rows(page: Page) {
  return page.locator(".row");
}

export function row(page: Page, text: string) {
  return page.locator(".row", { hasText: text });
}

export function count(page: Page, text: string) {
  return page.locator(".status-line [role=status]").getByText(text, { exact: true });
}

/** Types a query in the place of the one that is there, and searches for it. */
export async function search(page: Page, query: string): Promise<void> {
  const box = page.getByRole("textbox", { name: "Search query" });
  await page.locator(".query-editor").waitFor();
  await box.fill(query);
  await page.getByRole("button", { name: "Search", exact: true }).click();
}

const FOUND_MS = 30_000;

/** Waits until an expression is true in the page; asked from here, because the page's own policy forbids evaluation. */
export async function until(page: Page, expression: string): Promise<void> {
  const end = performance.now() + FOUND_MS;
  while (!(await page.evaluate<boolean>(expression))) {
    if (performance.now() > end) throw new Error(`never true: ${expression}`);
    await sleep(20);
  }
}
