import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { faultsOf } from "./axe.js";
import { count, logAll, openSite, row, rows, START_MS, until, visit, type Site } from "./site.js";

const THEMES = ["light", "dark"] as const;

describeWith("chromium, the viewer for everyone", hasBrowser, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
    const change = { old: { amount: 1 }, new: { amount: 2, note: "rush" } };
    const events = Array.from({ length: 60 }, (_, i) => ({
      ...{ actor: "dana", action: "change", target: `invoice ${i}`, status: i % 2 === 0 ? "success" : "denied" },
      ...{ message: `number ${i}`, source: "10.0.0.7", tenantId: "acme", ...change },
    }));
    await logAll(site.gateway.url, events);
  }, START_MS);
  afterAll(() => site.close());

  describe.each(THEMES)("in the %s theme", (colorScheme) => {
    test.each([1440, 1024, 390])(
      "axe finds nothing serious in the table and an entry, %s pixels wide",
      async (width) => {
        const page = await visit(site, "/", { colorScheme, viewport: { width, height: 844 } });
        await page.getByRole("img", { name: "Verified", exact: true }).first().waitFor();
        await page.locator(".query-editor").waitFor();
        expect(await faultsOf(page)).toEqual([]);
        await row(page, "number 58").click();
        await page.getByRole("dialog").locator(".proof").waitFor();
        expect(await faultsOf(page)).toEqual([]);
      },
    );

    test("axe finds nothing serious in dialogs, menus, faults and the tail", async () => {
      const page = await visit(site, "/?q=nothing:of:the:kind OR&from=2026-01-01T00:00:00Z", { colorScheme });
      await page.getByRole("alert").waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.goto(site.gateway.url);
      await count(page, "60 entries").waitFor();
      for (const name of ["Columns", "Help with queries", "Details of what this browser remembers"]) {
        await page.getByRole("button", { name }).click();
        await page.getByRole("dialog").locator("table, dl, ul").first().waitFor();
        expect(await faultsOf(page)).toEqual([]);
        await page.keyboard.press("Escape");
      }
      await page.getByRole("button", { name: "Live" }).click();
      await page.getByRole("button", { name: "Download" }).click();
      await page.getByRole("menuitem", { name: "CSV" }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
    });
  });

  test("is used by keyboard alone", async () => {
    const page = await visit(site);
    await rows(page).first().getByText("number 59").waitFor();
    await page.locator(".query-editor").waitFor();
    const { keyboard } = page;
    await keyboard.press("/");
    await keyboard.type("status=denied");
    await keyboard.press("Enter");
    await count(page, "30 entries").waitFor();
    for (let tabs = 0; tabs < 15 && !(await isTableFocused(page)); tabs++) await keyboard.press("Tab");
    for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "Enter"]) await keyboard.press(key);
    await page.getByRole("dialog").getByRole("heading", { name: "Entry 57" }).waitFor();
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until(page, HAS_FOCUS);
    await keyboard.press("End");
    await keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("heading", { name: "Entry 1", exact: true }).waitFor();
    await keyboard.press("Tab");
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until(page, HAS_FOCUS);
    await keyboard.press("Home");
    await keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("heading", { name: "Entry 59" }).waitFor();
  });

  test("keeps the theme that was chosen", async () => {
    const page = await visit(site, "/", { colorScheme: "light" });
    const background = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    const light = await background();
    await page.getByRole("button", { name: "Theme: system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    expect(await background()).not.toBe(light);
    await page.reload();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    expect(await background()).not.toBe(light);
  });

  test("fits a phone: nothing is wider than the screen, and an entry takes all of it", async () => {
    const page = await visit(site, "/", { viewport: { width: 390, height: 844 } });
    await row(page, "number 59").waitFor();
    const width = "document.documentElement.scrollWidth";
    expect(await page.evaluate<number>(width)).toBeLessThanOrEqual(390);
    expect(await page.locator(".scroller").evaluate(overhang)).toBe(0);
    await row(page, "number 59").click();
    const box = await page.getByRole("dialog").boundingBox();
    expect([box?.width, box?.height]).toEqual([390, 844]);
  });
});

/** In the page: whether keys go to the table. */
const HAS_FOCUS = "document.activeElement?.id === 'entries'";

function isTableFocused(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(HAS_FOCUS);
}

/** How much wider its contents are than an element; no DOM types here. */
function overhang({
  scrollWidth,
  clientWidth,
}: {
  readonly scrollWidth: number;
  readonly clientWidth: number;
}): number {
  return scrollWidth - clientWidth;
}
