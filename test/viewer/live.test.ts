import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { count, logAll, openSite, row, rows, search, START_MS, visit, type Site } from "./site.js";

describeWith("chromium, what leaves the viewer's table and comes into it", hasBrowser, () => {
  let site: Site;
  const logged = (message: string, actor = "dana") => logAll(site.gateway.url, [{ message, actor }]);
  beforeAll(async () => {
    site = await openSite();
    await logged("the first");
    await logged("the second", "erin");
  }, START_MS);
  afterAll(() => site.close());

  const live = (page: Page) => page.getByRole("button", { name: "Live" });

  test("entries appear above the others as they are logged, verified, while the log is followed", async () => {
    const page = await visit(site);
    await count(page, "2 entries").waitFor();
    await live(page).click();
    await logged("while followed");
    await rows(page).first().getByText("while followed").waitFor();
    await logged("after that");
    await rows(page).first().getByText("after that").waitFor();
    await row(page, "after that").getByRole("img", { name: "Verified", exact: true }).waitFor();
    await page.getByText("and 2 logged since").waitFor();
    await live(page).click();
    await row(page, "after that").waitFor({ state: "detached" });
  });

  test("entries wait while the tail is paused, and none is lost", async () => {
    const page = await visit(site, "/?q=paused");
    await page.getByText("No entries match").waitFor();
    await live(page).click();
    await logged("paused: before");
    await rows(page).first().getByText("paused: before").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await logged("paused: meanwhile");
    await logged("not for this search");
    await logged("paused: later");
    await page.getByRole("button", { name: "Resume (2 new)" }).waitFor();
    expect(await rows(page).count()).toBe(1);
    await page.getByRole("button", { name: "Resume (2 new)" }).click();
    await row(page, "paused: later").waitFor();
    expect(await page.locator(".row .message").allInnerTexts()).toEqual([
      "paused: later",
      "paused: meanwhile",
      "paused: before",
    ]);
  });

  test("many entries become part of the result, and the tail goes on above it", async () => {
    const many = (from: number) => Array.from({ length: 1_000 }, (_, i) => ({ message: `many ${from + i}` }));
    const page = await visit(site, "/?q=many");
    await page.getByText("No entries match").waitFor();
    await live(page).click();
    await logged("many: the first");
    await row(page, "many: the first").waitFor();
    await logAll(site.gateway.url, many(0));
    await count(page, "1,001 entries").waitFor();
    await logged("many: above");
    await rows(page).first().getByText("many: above").waitFor();
    await page.getByText("and 1 logged since").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await logAll(site.gateway.url, many(1_000));
    await page.getByRole("button", { name: "Resume (999 new or more)" }).click();
    await count(page, "2,002 entries").waitFor();
    await logged("many: the last");
    await rows(page).first().getByText("many: the last").waitFor();
  });

  test("the tail goes on behind the last entry after its connection was lost", async () => {
    const page = await visit(site, "/?q=cable");
    await page.getByText("No entries match").waitFor();
    await live(page).click();
    await logged("cable: before");
    await row(page, "cable: before").waitFor();
    await page.context().setOffline(true);
    await logged("cable: meanwhile");
    await page.context().setOffline(false);
    await row(page, "cable: meanwhile").waitFor();
    expect(await rows(page).count()).toBe(2);
  });

  test("a whole result is downloaded, in each format", async () => {
    const page = await visit(site);
    await search(page, "actor=erin");
    await count(page, "1 entry").waitFor();
    const download = async (format: string): Promise<string> => {
      await page.getByRole("button", { name: "Download" }).click();
      const started = page.waitForEvent("download");
      await page.getByRole("menuitem", { name: format }).first().click();
      return readFile(await (await started).path(), "utf8");
    };
    expect(await download("CSV")).toMatch(/erin.*\r\n$/);
    const [line] = (await download("NDJSON")).trim().split("\n");
    expect(line).toContain("the second");
    expect(JSON.parse(await download("JSON evidence"))).toMatchObject({ origin: "localhost/auditql/default" });
    expect((await download("Evidence in lines")).trim().split("\n")).toHaveLength(3);
  });

  test("the log is not followed where its entries would not belong on top", async () => {
    const page = await visit(site, "/?sort=actor");
    await count(page, "").waitFor({ state: "detached" });
    expect(await live(page).isDisabled()).toBe(true);
  });
});
