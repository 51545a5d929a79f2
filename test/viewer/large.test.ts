import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { MOST_PAGES } from "../../viewer/needed-pages.js";
import { describeWith } from "../service.js";
import { count, logAll, openSite, rows, START_MS, visit, type Site } from "./site.js";

const ENTRIES = 200_050;

describeWith("chromium, the viewer of a long log", hasBrowser, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
    for (let from = 0; from < ENTRIES; from += 1_000) {
      const size = Math.min(1_000, ENTRIES - from);
      await logAll(
        site.gateway.url,
        Array.from({ length: size }, (_, i) => ({ message: `number ${from + i}` })),
      );
    }
  }, START_MS);
  afterAll(() => site.close());

  const parts = (page: Page) => page.getByRole("navigation", { name: "Parts of the result" });

  test("leads to its very end, in parts that no entry falls between", async () => {
    const page = await visit(site);
    await count(page, "200,050 entries").waitFor();
    await parts(page).getByText("Rows 1 to 200,000 of 200,050").waitFor();
    const table = page.getByRole("grid");
    await table.press("End");
    await rows(page).last().getByText("number 50", { exact: true }).waitFor();
    await parts(page).getByRole("button", { name: "Rows after" }).click();
    await rows(page).first().getByText("number 49", { exact: true }).waitFor();
    await table.press("End");
    await rows(page).last().getByText("number 0", { exact: true }).waitFor();
    expect(await parts(page).getByRole("button", { name: "Rows after" }).isDisabled()).toBe(true);
    await parts(page).getByRole("button", { name: "Rows before" }).click();
    await rows(page).first().getByText("number 200049", { exact: true }).waitFor();
  });

  test("fetches where a drag rests, not where it passes, and forgets what was in sight long ago", async () => {
    const page = await visit(site);
    const fetched: number[] = [];
    page.on("request", (request) => {
      const [, offset] = /"offset":(\d+)/.exec(request.postData() ?? "") ?? [];
      if (offset !== undefined) fetched.push(Number(offset));
    });
    await rows(page).first().getByText("number 200049", { exact: true }).waitFor();
    const scroller = page.locator(".scroller");
    await scroller.evaluate(drag, 200);
    await rows(page).first().getByText("number", { exact: false }).waitFor();
    const passed = fetched.length;
    // Each of its two hundred places has a page or two of its own.
    expect(passed).toBeLessThan(60);
    for (let place = 1; place <= MOST_PAGES + 5; place++) {
      await scroller.evaluate(scrollTo, place * 1_000 * ROW_PIXELS);
      await page.getByText(`number ${ENTRIES - 1 - place * 1_000}`, { exact: true }).waitFor();
    }
    fetched.length = 0;
    await scroller.evaluate(scrollTo, 1_000 * ROW_PIXELS);
    await page.getByText(`number ${ENTRIES - 1 - 1_000}`, { exact: true }).waitFor();
    expect(fetched).toContain(1_000);
  });
});

const ROW_PIXELS = 36;

/** An element that scrolls; no DOM types here. */
interface Scroller {
  scrollTop: number;
  readonly scrollHeight: number;
}

/** In the page: to the end, in as many steps as there are frames for. */
async function drag(element: unknown, steps: number): Promise<void> {
  const box = element as Scroller;
  const { requestAnimationFrame } = globalThis as unknown as {
    readonly requestAnimationFrame: (next: () => void) => void;
  };
  for (let step = 1; step <= steps; step++) {
    box.scrollTop = (box.scrollHeight * step) / steps;
    await new Promise<void>((next) => {
      requestAnimationFrame(next);
    });
  }
}

function scrollTo(element: unknown, top: number): void {
  (element as Scroller).scrollTop = top;
}
