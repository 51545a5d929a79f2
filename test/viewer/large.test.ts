import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
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
});
