import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { count, logAll, openSite, row, rows, search, START_MS, until, visit, type Site } from "./site.js";

const ENTRIES = 1_230;
/** In the page: the rows at the top and at the bottom of what is scrolled to are there, fetched or not. */
const ARE_DRAWN = `(() => {
  const box = document.querySelector(".scroller");
  const at = (pixels) => Math.floor(pixels / 36);
  const last = Math.min(at(box.scrollTop + box.clientHeight) - 2, ${ENTRIES - 1});
  return [at(box.scrollTop), last].every((index) => document.getElementById("row-" + index) !== null);
})()`;

describeWith("chromium, the viewer", hasBrowser, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
    const events = Array.from({ length: ENTRIES }, (_, i) => ({
      ...{ actor: i % 10 === 0 ? "dana" : `robot ${i % 7}`, action: "count", status: "success" },
      ...{ message: `number ${i}`, timestamp: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString() },
    }));
    for (let from = 0; from < ENTRIES; from += 1_000) await logAll(site.gateway.url, events.slice(from, from + 1_000));
  }, START_MS);
  afterAll(() => site.close());

  test("is at the gateway's own address, and shows the newest entries first, with their exact number", async () => {
    const page = await visit(site);
    await count(page, "1,230 entries").waitFor();
    await rows(page).first().getByText("number 1229").waitFor();
  });

  test("scrolls through every entry of a result, to its end and back, in its exact order", async () => {
    const page = await visit(site);
    await rows(page).first().getByText("number 1229").waitFor();
    const seen = new Set<string>();
    const last = row(page, "number 0");
    const see = async (): Promise<void> => {
      await until(page, ARE_DRAWN);
      await waitingRows(page).waitFor({ state: "detached" });
      for (const text of await page.locator(".row:not(.waiting) .message").allInnerTexts()) seen.add(text);
    };
    for (let steps = 0; steps < 200 && (await last.count()) === 0; steps++) {
      await see();
      await page.locator(".scroller").evaluate((box: Scrolled) => (box.scrollTop += 700));
    }
    await see();
    expect(seen).toEqual(new Set(Array.from({ length: ENTRIES }, (_, i) => `number ${i}`)));
    const shown = await page.locator(".row .message").allInnerTexts();
    expect(shown.map((text) => Number(text.slice(7)))).toEqual(shown.map((_, i) => shown.length - 1 - i));
    await page.locator(".scroller").evaluate((box: Scrolled) => (box.scrollTop = 0));
    await rows(page).first().getByText("number 1229").waitFor();
  });

  test("searches with a query, and puts it into the address, where the back button finds the one before", async () => {
    const page = await visit(site);
    await search(page, "actor=dana");
    await count(page, "123 entries").waitFor();
    expect(new URL(page.url()).searchParams.get("q")).toBe("actor=dana");
    await search(page, "actor=dana message:10*");
    await count(page, "12 entries").waitFor();
    await page.goBack();
    await count(page, "123 entries").waitFor();
    expect(await page.getByRole("textbox", { name: "Search query" }).innerText()).toBe("actor=dana");
  });

  test("opens as its address says: query, period, time, order and columns", async () => {
    const path =
      "/?q=count&from=2026-01-01T00:10:00Z&to=2026-01-01T00:20:00Z&of=event&sort=timestamp&columns=message,actor";
    const page = await visit(site, path);
    await count(page, "10 entries").waitFor();
    expect(await page.locator(".row .message").allInnerTexts()).toEqual(
      Array.from({ length: 10 }, (_, i) => `number ${10 + i}`),
    );
    expect(await page.getByRole("columnheader").allInnerTexts()).toEqual(["Verified", "Message", "Actor"]);
    expect(await page.getByLabel("From", { exact: true }).inputValue()).toMatch(/^2026-01-01T00:10/);
    await page.getByRole("combobox", { name: "Period" }).selectOption("all");
    await count(page, "1,230 entries").waitFor();
  });

  test("sorts by a column, and turns the order round", async () => {
    const page = await visit(site, "/?q=message:(7 OR 8 OR 9)");
    await count(page, "3 entries").waitFor();
    await page.getByRole("button", { name: "Message" }).click();
    await page.locator("[aria-sort=ascending]").getByText("Message").waitFor();
    await rows(page).first().getByText("number 7").waitFor();
    await page.getByRole("button", { name: "Message" }).click();
    await rows(page).first().getByText("number 9").waitFor();
    expect(new URL(page.url()).searchParams.get("sort")).toBe("-message");
  });

  test("chooses columns and their order", async () => {
    const page = await visit(site);
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByRole("checkbox", { name: "Index" }).check();
    await page.getByRole("checkbox", { name: "Status" }).uncheck();
    await page.getByRole("button", { name: "Move Actor left" }).click();
    await page.getByRole("button", { name: "Close" }).click();
    const titles = await page.getByRole("columnheader").allInnerTexts();
    expect(titles.map((title) => title.replace(/\s+/g, " "))).toEqual([
      "Verified",
      "Actor",
      "Received (UTC) ↓",
      "Action",
      "Target",
      "Message",
      "Index",
    ]);
    await page.reload();
    await page.getByRole("columnheader", { name: "Index" }).waitFor();
  });

  test("underlines the place of a fault in the query, and says what was expected there", async () => {
    const page = await visit(site);
    await search(page, "dana actr:alice");
    await page.getByRole("alert").getByText("Column 6. Expected").waitFor();
    expect(await page.locator(".cm-fault").innerText()).toBe("actr:alice");
    await search(page, "(dana");
    await page.getByRole("alert").getByText('a closing ")"').waitFor();
    await page.locator(".cm-fault").waitFor();
    await search(page, "dana");
    await count(page, "123 entries").waitFor();
    expect(await page.locator(".cm-fault").count()).toBe(0);
  });

  test("completes fields and the values it has shown", async () => {
    const page = await visit(site);
    await rows(page).first().getByText("number 1229").waitFor();
    await page.locator(".query-editor").waitFor();
    const box = page.getByRole("textbox", { name: "Search query" });
    await box.pressSequentially("act");
    await page.getByRole("option", { name: "actor" }).click();
    await box.pressSequentially("da");
    await page.getByRole("option", { name: "dana" }).click();
    await page.getByRole("listbox").waitFor({ state: "detached" });
    expect(await box.innerText()).toBe('actor="dana" ');
    await box.press("Enter");
    await count(page, "123 entries").waitFor();
    expect(new URL(page.url()).searchParams.get("q")).toBe('actor="dana" ');
  });

  test("explains the query language beside the box", async () => {
    const page = await visit(site);
    await page.getByRole("button", { name: "Help with queries" }).click();
    await page.getByRole("dialog").getByText("actor=alice@example.com").waitFor();
    expect(await page.getByRole("dialog").locator("tbody tr").count()).toBeGreaterThan(10);
  });

  test("says in words what the gateway refuses", async () => {
    const page = await visit(site, "/?log=nowhere");
    await page.getByRole("alert").getByText('There is no log "nowhere"; the logs are: default.').waitFor();
  });

  test("stays as it was found while the log grows, until it is searched again", async () => {
    const page = await visit(site, "/?q=growing");
    await page.getByText("No entries match").waitFor();
    await logAll(site.gateway.url, [{ message: "growing", actor: "later" }]);
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await count(page, "1 entry").waitFor();
  });

  test("asks no other host, and breaks none of its content security policy", () => {
    expect(site.requests.length).toBeGreaterThan(20);
    expect(site.requests.filter((url) => new URL(url).origin !== site.gateway.url)).toEqual([]);
    expect(site.complaints).toEqual([]);
  });
});

function waitingRows(page: Page) {
  return page.locator(".row.waiting").first();
}

/** As much of an element as the tests scroll: no DOM types here. */
interface Scrolled {
  scrollTop: number;
}
