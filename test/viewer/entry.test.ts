import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { EventEmitter, once } from "node:events";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { graphqlData } from "../gateway.js";
import { describeWith } from "../service.js";
import { count, logAll, openSite, row, rows, START_MS, visit, type Site } from "./site.js";

const CHANGE = {
  ...{
    actor: 'Dana "D" O\'Hara',
    action: "change",
    target: "invoice 7",
    status: "success",
    message: { text: "changed" },
  },
  ...{ old: { amount: 100, currency: "EUR" }, new: { amount: 120, currency: "EUR", note: "rush" } },
};

describeWith("chromium, an entry in the viewer", hasBrowser, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
    await logAll(site.gateway.url, [{ message: "before it", actor: "erin" }]);
    await logAll(site.gateway.url, [CHANGE], true);
    await logAll(site.gateway.url, [{ message: "after it", actor: CHANGE.actor, target: "invoice 8" }]);
  }, START_MS);
  afterAll(() => site.close());

  const panel = (page: Page) => page.getByRole("dialog");

  test("opens from its row with all that there is of it, and its address opens it again", async () => {
    const page = await visit(site);
    await row(page, "invoice 7").click();
    await panel(page).getByRole("heading", { name: "Entry 1" }).waitFor();
    expect(new URL(page.url()).searchParams.get("entry")).toBe("1");
    const text = await panel(page).getByLabel("Whole entry as JSON").innerText();
    const { event } = JSON.parse(text) as { readonly event: unknown };
    expect(event).toEqual(CHANGE);
    await page.reload();
    await panel(page).getByRole("heading", { name: "Entry 1" }).waitFor();
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
    await page.goBack();
    await panel(page).getByRole("heading", { name: "Entry 1" }).waitFor();
  });

  test("shows what changed, member by member", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).locator(".changes").waitFor();
    const changes = await panel(page).locator(".changes tbody tr").allInnerTexts();
    expect(changes.map((line) => line.replace(/\s+/g, " "))).toEqual([
      "amount (changed) 100 120",
      "note (added) absent rush",
    ]);
  });

  test("leads to its neighbours in the log", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).getByRole("button", { name: "invoice 8" }).waitFor();
    await panel(page).getByRole("button", { name: "before it" }).click();
    await panel(page).getByRole("heading", { name: "Entry 0" }).waitFor();
    expect(await panel(page).getByRole("button", { name: "Entry before" }).isDisabled()).toBe(true);
    await panel(page).getByRole("button", { name: "Entry after" }).click();
    await panel(page).getByRole("heading", { name: "Entry 1" }).waitFor();
  });

  test("is shown under its own name alone, also while the next one is on its way", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).getByText("rush").first().waitFor();
    const release = await holdAnswers(page);
    await panel(page).getByRole("button", { name: "before it" }).click();
    await page.waitForURL("**/?entry=0");
    expect(await panel(page).getByRole("heading", { level: 2 }).innerText()).toBe("Entry 1");
    expect(await panel(page).getByText("rush").count()).toBeGreaterThan(0);
    release();
    await panel(page).getByRole("heading", { name: "Entry 0" }).waitFor();
    expect(await panel(page).getByText("rush").count()).toBe(0);
  });

  test("finds everything that its actor did, whatever the name holds", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).getByRole("link", { name: "All by this actor" }).click();
    await count(page, "2 entries").waitFor();
    expect(await rows(page).count()).toBe(2);
    await panel(page).waitFor({ state: "detached" });
  });

  test("draws its proof from the leaf to the root that the log signed", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).getByRole("img", { name: "2 hashes lead from entry 1 to the root" }).waitFor();
    const { root } = await graphqlData<{ readonly root: { readonly hash: string } }>(
      site.gateway.url,
      "{ root { hash } }",
    );
    expect(await panel(page).locator(".proof .root title").evaluate(textContent)).toBe(root.hash);
    expect(await panel(page).locator(".proof .sibling").count()).toBe(2);
  });

  test("says which checks this browser made", async () => {
    const page = await visit(site, "/?entry=1");
    await panel(page).getByText("the log signed that tree").waitFor();
    const checks = (await panel(page).locator(".checks li").allInnerTexts()).map((line) => line.replace(/^\S+ /, ""));
    expect(checks.map((line) => /^\w+ \w+/.exec(line)?.[0])).toEqual([
      "Hash VALID",
      "Inclusion VALID",
      "Checkpoint VALID",
      "Signature VALID",
      "History VALID",
    ]);
  });

  test("is copied as a link, as GraphQL and as a command", async () => {
    const page = await visit(site, "/?entry=1", { permissions: ["clipboard-read", "clipboard-write"] });
    const copied = async (name: string): Promise<string> => {
      await panel(page).getByRole("button", { name: "Copy" }).click();
      await page.getByRole("menuitem", { name, exact: true }).click();
      await panel(page).getByText("Copied").waitFor();
      return page.evaluate<string>("navigator.clipboard.readText()");
    };
    expect(await copied("Link")).toBe(`${site.gateway.url}/?entry=1`);
    const { entry } = await graphqlData<{ readonly entry: object }>(site.gateway.url, await copied("GraphQL"));
    expect(entry).toMatchObject({ leafIndex: 1, membershipProof: { treeSize: 3 } });
    const command = await copied("curl");
    const body = /-d '(.*)'$/.exec(command)?.[1] ?? "";
    const { query } = JSON.parse(body) as { readonly query: string };
    expect((await graphqlData<{ readonly entry: object }>(site.gateway.url, query)).entry).toEqual(entry);
    expect(await copied("Entry as it was hashed")).toBe((entry as { readonly canonical: string }).canonical);
  });

  test("that does not exist is said to", async () => {
    const page = await visit(site, "/?entry=77");
    await panel(page).getByText("This log has no entry 77").waitFor();
  });

  test("breaks no rule of the page's content security policy", () => {
    expect(site.complaints).toEqual([]);
  });
});

/** The text of an element that is not drawn; no DOM types here. */
function textContent(element: { readonly textContent: string | null }): string | null {
  return element.textContent;
}

/** Holds back the answers to what the page asks from now on, until they are released. */
async function holdAnswers(page: Page): Promise<() => void> {
  const events = new EventEmitter();
  const released = once(events, "release");
  await page.route("**/graphql", async (route) => {
    await released;
    await route.continue();
  });
  return () => events.emit("release");
}
