import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { rmSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { noteSigner, verifierKeyText } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { hasBrowser, launchBrowser } from "../browser.js";
import { freePort } from "../free-port.js";
import { gatewayFolder, removeFolder, startGateway, type GatewayProcess } from "../gateway.js";
import { loadSqliteDriver } from "../../src/stores/sqlite/driver.js";
import { LOG_STRIDE } from "../../src/stores/sqlite/log-file.js";
import { describeWith } from "../service.js";
import { logAll, row, START_MS } from "./site.js";

/** Another key of the same log's name. */
const STRANGER = verifierKeyText(noteSigner("localhost/auditql/default", new Uint8Array(32).fill(7), nobleEd25519));

describeWith("chromium, the locks of the viewer", hasBrowser, () => {
  const folder = gatewayFolder();
  let port: number;
  let gateway: GatewayProcess;
  let browser: Browser;
  let context: BrowserContext;
  const start = async (): Promise<void> => {
    gateway = await startGateway({ folder, env: { AUDITQL_PORT: String(port) } });
  };
  const logNumbers = (count: number, word: string) =>
    logAll(
      gateway.url,
      Array.from({ length: count }, (_, i) => ({ message: `${word} ${i}`, actor: "dana" })),
    );
  /** As somebody does who has the gateway's machine: the log is another, and the key is the same. */
  const beginAnew = async (): Promise<void> => {
    await gateway.stop();
    for (const ending of ["", "-wal", "-shm"]) rmSync(`${folder}/audit.db${ending}`, { force: true });
    await start();
  };
  beforeAll(async () => {
    port = await freePort();
    browser = await launchBrowser();
    await start();
    await logNumbers(5, "number");
  }, START_MS);
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    removeFolder(folder);
  });

  const visit = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(gateway.url);
    return page;
  };
  const lock = (page: Page, text: string) => row(page, text).locator(".lock");
  const damaged = (page: Page) => row(page, "Entry 2 cannot be shown: its stored bytes no longer match the log.");
  const history = (page: Page) => page.locator(".history-text");
  /** Changes each response to an operation on its way to the browser. */
  const tamper = async (page: Page, operation: string, change: (body: string) => string): Promise<void> => {
    await page.route("**/graphql", async (route) => {
      if (!(route.request().postData() ?? "").includes(operation)) return route.continue();
      const response = await route.fetch();
      return route.fulfill({ response, body: change(await response.text()) });
    });
  };

  test("are green where everything is as the log signed it", async () => {
    const page = await visit();
    await page.getByRole("img", { name: "Verified", exact: true }).nth(4).waitFor();
    await history(page).getByText("first visit").waitFor();
  });

  const attacks: readonly (readonly [what: string, change: (body: string) => string, says: string])[] = [
    [
      "another actor",
      (body) =>
        body.replace(String.raw`\"dana\",\"message\":\"number 3\"`, String.raw`\"mallory\",\"message\":\"number 3\"`),
      "Hash: the text is not the one that was hashed",
    ],
    [
      "another place",
      (body) => body.replace('"node":{"leafIndex":3', '"node":{"leafIndex":33'),
      "Inclusion: the proof is of another place in the log",
    ],
    [
      "a text in no canonical form",
      (body) =>
        body.replace(
          String.raw`{\"event\":{\"actor\":\"dana\",\"message\":\"number 3\"}`,
          String.raw`{\"event\":{\"message\":\"number 3\",\"actor\":\"dana\"}`,
        ),
      "Hash: the text is not an entry in canonical form",
    ],
  ];
  test.each(attacks)("turn red, and say why, for an entry with %s", async (_, change, says) => {
    const page = await context.newPage();
    await tamper(page, "FindEntries", change);
    await page.goto(gateway.url);
    await page.getByRole("img", { name: `Not verified. ${says}` }).waitFor();
    await lock(page, "number 2")
      .and(page.getByRole("img", { name: "Verified", exact: true }))
      .waitFor();
    await lock(page, "number 3").hover();
    await page
      .getByRole("tooltip")
      .getByText(says.split(": ")[1] ?? "")
      .first()
      .waitFor();
  });

  test("turn red for every entry under a checkpoint that the log's key did not sign", async () => {
    const first = await visit();
    await history(first).getByText("first visit").waitFor();
    const page = await context.newPage();
    await tamper(page, "FindEntries", (body) => body.replace(/(— \S+ )\S{8}/, "$1AAAAAAAA"));
    await page.goto(gateway.url);
    await page.getByRole("img", { name: "Checkpoint: the trusted key did not sign the checkpoint" }).nth(4).waitFor();
    await page.getByRole("alert").getByText("not signed by the key that this browser trusts").waitFor();
  });

  test("say that the log goes on from what this browser saw, and turn red where it does not", async () => {
    const first = await visit();
    await history(first).getByText("first visit").waitFor();
    await logNumbers(3, "later");
    const second = await visit();
    await history(second).getByText("the log still holds the 5 entries").waitFor();
    await second.getByRole("img", { name: "Verified", exact: true }).nth(7).waitFor();
    const third = await context.newPage();
    await tamper(third, "Consistency", (body) => body.replace(/"path":\["[0-9a-f]{4}/, '"path":["0000'));
    await logNumbers(1, "last");
    await third.goto(gateway.url);
    await third
      .getByRole("alert")
      .getByText("The first 8 entries are not those that this browser saw before")
      .waitFor();
    await third.getByRole("img", { name: "Not verified. History" }).nth(8).waitFor();
    expect(await first.evaluate<string>("localStorage.getItem('auditql:trust:default')")).toContain('"treeSize":8');
  });

  test("turn red where the log was rewritten, or has lost entries, though its key signed that", async () => {
    const first = await visit();
    await history(first).getByText("first visit").waitFor();
    await beginAnew();
    await logNumbers(2, "other");
    const shorter = await visit();
    await shorter.getByRole("alert").getByText("saw the log with 9 entries, and now it has 2").waitFor();
    await logNumbers(20, "other");
    const rewritten = await visit();
    await rewritten.getByRole("alert").getByText("The first 9 entries are not those").waitFor();
    await rewritten.getByRole("button", { name: "Details" }).click();
    await rewritten.getByRole("button", { name: "Forget this log's key and root" }).click();
    await history(rewritten).getByText("first visit").waitFor();
  });

  test("are beside the others where the gateway cannot show an entry, because its stored bytes were changed", async () => {
    await gateway.stop();
    const open = await loadSqliteDriver();
    const database = open(`${folder}/audit.db`);
    database
      .prepare("UPDATE entries SET canonical = replace(CAST(canonical AS TEXT), 'dana', 'anna') WHERE id = ?")
      .run(LOG_STRIDE + 2);
    database.close();
    await start();
    const page = await visit();
    await damaged(page).waitFor();
    await page.getByText("22 entries or more: a damaged entry keeps them from being counted").waitFor();
    await page.getByRole("img", { name: "Verified", exact: true }).nth(3).waitFor();
  });

  test("are red for such an entry, which opens by keyboard, between its neighbours", async () => {
    const page = await visit();
    await damaged(page).getByRole("img", { name: "Not verified. Stored bytes: they no longer match" }).waitFor();
    await page.getByRole("img", { name: "Verified", exact: true }).nth(3).waitFor();
    expect(await page.locator(".row .lock.red").count()).toBe(1);
    const { keyboard } = page;
    await page.getByRole("grid").focus();
    for (const press of ["End", "ArrowUp", "ArrowUp", "Enter"]) await keyboard.press(press);
    const panel = page.getByRole("dialog");
    await panel.getByRole("heading", { name: "Entry 2" }).waitFor();
    await panel.getByRole("alert").getByText("Entry 2 of the log default no longer matches its leaf hash").waitFor();
    await panel.getByRole("img", { name: "Not verified. Stored bytes" }).waitFor();
    await panel.getByText("so the gateway does not show them").first().waitFor();
    await panel.getByRole("button", { name: "Entry after" }).click();
    await panel.getByRole("heading", { name: "Entry 3" }).waitFor();
    await panel.getByRole("img", { name: "Verified", exact: true }).waitFor();
    await damaged(page).click();
    await panel.getByRole("heading", { name: "Entry 2" }).waitFor();
    await damaged(page).and(page.locator("[aria-selected=true]")).waitFor();
  });

  test("trust a key that the user gives, and no other", async () => {
    const page = await visit();
    await page.getByRole("button", { name: "Details" }).click();
    const dialog = page.getByRole("dialog");
    const key = await dialog.locator("dd code").last().innerText();
    await dialog.getByLabel("Key from the operator").fill("no key");
    await dialog.getByRole("button", { name: "Trust it" }).click();
    await dialog.getByText("This is no log's key").waitFor();
    await dialog.getByLabel("Key from the operator").fill(key);
    await dialog.getByRole("button", { name: "Trust it" }).click();
    await dialog.getByText("Key that you gave").waitFor();
    await dialog.getByLabel("Key from the operator").fill(STRANGER);
    await dialog.getByRole("button", { name: "Trust it" }).click();
    await dialog.getByText("Key that the gateway names now").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("alert").getByText("The gateway names another key").waitFor();
    await page.getByRole("img", { name: "Checkpoint: the trusted key did not sign the checkpoint" }).nth(4).waitFor();
  });
});
