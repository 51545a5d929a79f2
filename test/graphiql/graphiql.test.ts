import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createKey } from "../../src/access/key-file.js";
import { hasBrowser, launchBrowser } from "../browser.js";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";
import { describeWith } from "../service.js";

const START_MS = 180_000;

describeWith("chromium", hasBrowser, () => {
  const folder = gatewayFolder();
  const requests: string[] = [];
  const complaints: string[] = [];
  const answers = new Map<string, string>();
  let gateway: GatewayProcess;
  let browser: Browser;

  // One visit as a newcomer makes it: every tab from the left, each with its button pressed once.
  beforeAll(async () => {
    gateway = await startGateway({ folder });
    browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1400, height: 2400 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${gateway.url}/graphiql/`);
    // The first tab is run as it opens: nothing may depend on a click.
    answers.set("LogEvent", await execute(page, "LogEvent"));
    for (const tab of ["SearchAndPage", "VerifyNewest", "RootAndConsistency"]) {
      await page.getByRole("tab", { name: tab }).click();
      answers.set(tab, await execute(page, tab));
    }
    await page.getByRole("tab", { name: "FollowLog" }).click();
    answers.set("FollowLog", await execute(page, "FollowLog"));
    await graphqlData(gateway.url, 'mutation { log(event: { message: "from elsewhere" }) { root { treeSize } } }');
    answers.set("FollowLog, later", await shown(page, "from elsewhere"));
    await page.getByRole("button", { name: "Stop query" }).click();
    await page.getByRole("button", { name: "Execute query" }).waitFor();
  }, START_MS);

  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    removeFolder(folder);
  });

  test("logs an event with the mutation of the first tab", () => {
    expect(answers.get("LogEvent")).toMatch(/"leafIndex": 0,.*"treeSize": 1,/s);
  });

  test("finds that event with the query of the second tab", () => {
    expect(answers.get("SearchAndPage")).toMatch(/"totalCount": 1,.*"actor": "dana@example.com"/s);
  });

  test("shows its verdicts in the third tab", () => {
    expect(answers.get("VerifyNewest")).toMatch(/"membership": { "status": "VALID"/);
  });

  test("shows a signed root and a consistency proof in the fourth tab", () => {
    expect(answers.get("RootAndConsistency")).toMatch(/"checkpoint": "localhost.*"fromSize": 1,/s);
  });

  test("follows the log in the fifth tab, from its first entry on, until it is stopped", () => {
    expect(answers.get("FollowLog")).toMatch(/"entryLogged": { "leafIndex": 0,/);
    expect(answers.get("FollowLog, later")).toMatch(/"entryLogged": { "leafIndex": 1,/);
  });

  test("completes what may stand there, and says what it is", async () => {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1200 } });
    await page.goto(`${gateway.url}/graphiql/`);
    const editor = page.locator(".graphiql-query-editor");
    await editor.locator(".view-lines").getByText("receivedAt").click();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type("sign");
    await page.keyboard.press("Control+Space");
    await page.locator(".suggest-widget").getByText("signature").first().waitFor();
    await page.keyboard.press("Escape");
    await editor.locator(".view-lines").getByText("leafIndex").hover();
    await page.locator(".monaco-hover").getByText("Its index in the log").first().waitFor();
    await page.close();
  });

  test("asks no host but the gateway", () => {
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.filter((url) => new URL(url).origin !== gateway.url && !url.startsWith("data:"))).toEqual([]);
  });

  test("runs without errors and without a violation of its content security policy", () => {
    expect(complaints).toEqual([]);
  });
});

/** Presses the button in the tab that is open and answers what the response pane then shows. */
async function execute(page: Page, tab: string): Promise<string> {
  await page.locator(".graphiql-query-editor .view-lines").getByText(tab).first().waitFor();
  await operationNameIsRead(page);
  const answered = page.waitForResponse(
    (response) => response.url().endsWith("/graphql") && (response.request().postData() ?? "").includes(`"${tab}"`),
  );
  await page.locator(".graphiql-execute-button").click();
  await answered;
  return shown(page, '"data"');
}

/** What the response pane shows once it has a text. */
async function shown(page: Page, text: string): Promise<string> {
  const pane = page.locator(".graphiql-response .view-lines");
  await pane.getByText(text).waitFor();
  return (await pane.innerText()).replace(/\s+/g, " ");
}

/** GraphiQL reads the operation's name 100 ms after its text changed, in a timer of the page that one set later cannot overtake. */
async function operationNameIsRead(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
}

describeWith("chromium, for a gateway that asks for a credential", hasBrowser, () => {
  const folder = gatewayFolder();
  let gateway: GatewayProcess;
  let browser: Browser;
  let page: Page;
  let key: string;
  beforeAll(async () => {
    const apiKeys = join(folder, "keys.json");
    key = (await createKey(apiKeys, { name: "someone", scopes: ["audit:admin"] }, new Date())).text;
    gateway = await startGateway({ folder, env: { AUDITQL_API_KEYS: apiKeys } });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    await page.goto(`${gateway.url}/graphql`);
  }, START_MS);
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    removeFolder(folder);
  });

  const bar = () => page.locator(".credential-bar");

  const documentation = () => page.locator(".graphiql-doc-explorer");

  test("is where a browser comes to that opens the API's address", () => {
    expect(page.url()).toBe(`${gateway.url}/graphiql/`);
  });

  test("says in the documentation's place why it is empty", async () => {
    await page.getByRole("button", { name: "Documentation Explorer" }).click();
    await documentation().getByText("this gateway asks for a credential").waitFor();
  });

  test("shows the header that a credential goes in, and sends none before it is filled in", async () => {
    await page.getByRole("button", { name: "Headers" }).click();
    await page.locator(".graphiql-editor-tool .view-lines").getByText('"authorization"').waitFor();
    const sent = page.waitForRequest((request) => (request.postData() ?? "").includes("LogEvent"));
    await page.locator(".graphiql-execute-button").click();
    expect((await sent).headers()).not.toHaveProperty("authorization");
    await shown(page, "UNAUTHENTICATED");
  });

  test("takes one credential for all tabs", async () => {
    await bar().getByText("asks for a credential").waitFor();
    await page.getByLabel("API key or token").fill("wrong");
    await page.getByRole("button", { name: "Use" }).click();
    await bar().getByText("does not accept").waitFor();
    const schema = page.waitForResponse(
      (response) => response.ok() && (response.request().postData() ?? "").includes("__schema"),
    ); // an answer to the wrong credential may still be on its way
    await page.getByLabel("API key or token").fill(`Bearer ${key}`);
    await page.getByRole("button", { name: "Use" }).click();
    await bar().getByText("Sent with every operation").waitFor();
    await schema;
    await documentation().getByText("Root Types").waitFor();
    await page.locator(".graphiql-response").getByText("UNAUTHENTICATED").waitFor({ state: "detached" });
    expect(await execute(page, "LogEvent")).toMatch(/"leafIndex": 0,/);
    await page.getByRole("tab", { name: "VerifyNewest" }).click();
    expect(await execute(page, "VerifyNewest")).toMatch(/"membership": { "status": "VALID"/);
  });

  test("keeps it over a reload, and nowhere beyond the tab", async () => {
    await page.reload();
    expect(await execute(page, "VerifyNewest")).toMatch(/"membership": { "status": "VALID"/);
    const storage = await page.evaluate("JSON.stringify(localStorage)");
    expect(storage).toContain("VerifyNewest");
    expect(storage).not.toContain(key);
  });

  test("takes a credential for one tab in its headers", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1600 } });
    const own = await context.newPage();
    await own.goto(`${gateway.url}/graphiql/`);
    await own.locator(".credential-bar").getByText("asks for a credential").waitFor();
    await own.getByRole("button", { name: "Headers" }).click();
    await own.locator(".graphiql-editor-tool .view-lines").getByText('"authorization"').click();
    // Behind `Bearer `, before the quote that ends the line.
    await own.keyboard.press("End");
    await own.keyboard.press("ArrowLeft");
    await own.keyboard.insertText(key);
    const sent = own.waitForRequest((request) => (request.postData() ?? "").includes('"LogEvent"'));
    expect(await execute(own, "LogEvent")).toMatch(/"leafIndex": \d+,/);
    expect((await sent).headers()["authorization"]).toBe(`Bearer ${key}`);
    await context.close();
  });

  test("shows documentation alone on a phone, and else results below the editors, in lines that are not cut", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    expect((await documentation().boundingBox())?.width).toBeGreaterThan(250);
    await page.getByRole("button", { name: "Documentation Explorer" }).click();
    const pane = await page.locator(".graphiql-response").boundingBox();
    expect(pane?.width).toBeGreaterThan(250);
    expect(pane?.height).toBeGreaterThan(250);
    const lines =
      "[...document.querySelectorAll('.graphiql-query-editor .view-line > span')].map((line) => line.offsetWidth)";
    const editor = await page.locator(".graphiql-query-editor .graphiql-editor").boundingBox();
    expect(Math.max(...(await page.evaluate<number[]>(lines)))).toBeLessThanOrEqual(editor?.width ?? 0);
  });
});
