import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { hasBrowser, launchBrowser } from "../browser.js";
import { type GatewayProcess, gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { describeWith } from "../service.js";

const folder = fileURLToPath(new URL("../../graphiql/", import.meta.url));

/** What a browser that takes brotli is sent. */
function sent(names: Iterable<string>): number {
  return [...names].reduce((bytes, name) => bytes + statSync(`${folder}${name}.br`).size, 0);
}

/** A script and those that it imports before it runs. */
function withImports(name: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(name)) return found;
  found.add(name);
  const imports = readFileSync(folder + name, "utf8").matchAll(/(?:from|import)"\.\/([\w.-]+\.js)"/g);
  for (const [, other = ""] of imports) withImports(other, found);
  return found;
}

describe("GraphiQL's files", () => {
  test("for the first paint are less than 10 KB over the wire, and for its frame less than 395 KB", () => {
    const first = ["index.html", "frame.css"];
    expect(sent(first)).toBeLessThan(10_000);
    const scripts = withImports("page.js");
    expect(scripts.size).toBeGreaterThan(3);
    expect(sent([...first, "page.css", ...scripts])).toBeLessThan(395_000);
  });

  test("have no fonts in them but the editor's icons", () => {
    const styles = readdirSync(folder).filter((name) => name.endsWith(".css"));
    expect(styles).toContain("page.css");
    for (const style of styles)
      expect([style, readFileSync(folder + style, "utf8").includes("data:font")]).toEqual([style, false]);
    expect(readdirSync(folder).filter((name) => /\.(ttf|woff2?)$/.test(name)).length).toBe(1);
  });
});

describeWith("chromium", hasBrowser, () => {
  const place = gatewayFolder();
  let gateway: GatewayProcess;
  let browser: Browser;
  beforeAll(async () => {
    gateway = await startGateway({ folder: place });
    browser = await launchBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    removeFolder(place);
  });

  test("the frame is painted and says what it waits for, before any script is here", async () => {
    const page = await browser.newPage();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/\/page\.(js|css)$/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${gateway.url}/graphiql/`, { waitUntil: "commit" });
    await page.getByRole("status").getByText("GraphiQL is loading").waitFor();
    let paints = 0; // told a moment after the text is in the document; no script is let through meanwhile
    while (paints === 0)
      paints = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint").length);
    expect(paints).toBe(1);
    release();
    await page.locator(".graphiql-query-editor .view-lines").getByText("LogEvent").first().waitFor();
    expect(await page.getByText("GraphiQL is loading").count()).toBe(0);
    await page.close();
  });

  test("all that comes until an operation can be written is less than 1.3 MB over the wire", async () => {
    const page = await browser.newPage();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const local = new Set<string>();
    let bytes = 0;
    session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (request.url.startsWith("data:")) local.add(requestId);
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (!local.has(requestId)) bytes += encodedDataLength;
    });
    await page.goto(`${gateway.url}/graphiql/`);
    await page.locator(".graphiql-query-editor .view-lines").getByText("LogEvent").first().waitFor();
    expect(bytes).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(1_300_000);
    await page.close();
  });
});
