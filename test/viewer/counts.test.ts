import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { count, logAll, openSite, search, START_MS, visit, type Site } from "./site.js";

const HOURS = 48;

describeWith("chromium, what the viewer counts", hasBrowser, () => {
  let site: Site;
  // In each hour of two days as many entries as it is o'clock, so that every bar differs from its neighbors.
  beforeAll(async () => {
    site = await openSite();
    const events = Array.from({ length: HOURS }, (_, hour) =>
      Array.from({ length: 1 + (hour % 24) }, (_, i) => ({
        ...{
          message: `at ${hour}`,
          actor: i === 0 ? 'Dana "D"' : `robot ${i % 3}`,
          status: hour < 24 ? "success" : "denied",
        },
        timestamp: new Date(Date.UTC(2026, 0, 5, hour, i)).toISOString(),
      })),
    ).flat();
    await logAll(site.gateway.url, events);
    await logAll(site.gateway.url, [{ message: "at no time", actor: "robot 0" }]);
  }, START_MS);
  afterAll(() => site.close());

  const bars = (page: Page) => page.locator(".bars .u-over");
  const at = (page: Page) => new URL(page.url()).searchParams;

  test("is drawn over time, for screen readers too", async () => {
    const page = await visit(site, "/?of=event");
    await count(page, "601 entries").waitFor();
    const said =
      "From 2026-01-05 00:00 to 2026-01-07 00:00; most from 2026-01-05 23:00 to 2026-01-06 00:00: 24 entries";
    await page.getByRole("img", { name: said }).waitFor();
    await page.getByText("1 entry without such a time").waitFor();
    await bars(page).waitFor();
  });

  test("is brushed: what is dragged over is the next period, and the back button leads out of it", async () => {
    const page = await visit(site, "/?of=event");
    await drag(page, bars(page), [12.3 / HOURS, 15.7 / HOURS]);
    await count(page, "58 entries").waitFor(); // 13 + 14 + 15 + 16
    expect([at(page).get("from"), at(page).get("to")].map((time) => time?.slice(0, 19))).toEqual([
      "2026-01-05T12:00:00",
      "2026-01-05T16:00:00",
    ]);
    await page.getByRole("img", { name: "From 2026-01-05 12:00 to 2026-01-05 16:00" }).waitFor();
    await page.goBack();
    await count(page, "601 entries").waitFor();
  });

  test("shows the hour that is pointed at, and is clicked", async () => {
    const page = await visit(site, "/?of=event");
    await bars(page).waitFor();
    const box = await bars(page).boundingBox();
    await bars(page).hover({ position: { x: ((box?.width ?? 0) * 30.5) / HOURS, y: 20 } });
    await page.getByText("2026-01-06 06:00 to 2026-01-06 07:00: 7 entries").waitFor();
    await bars(page).click({ position: { x: ((box?.width ?? 0) * 30.5) / HOURS, y: 20 } });
    await count(page, "7 entries").waitFor();
  });

  test("names the most frequent values, and narrows the search to one that is clicked", async () => {
    const page = await visit(site);
    await page.getByRole("button", { name: "Top values" }).click();
    const values = page.getByRole("complementary", { name: "Top values" });
    await values.getByRole("button", { name: 'Dana "D" 48' }).click();
    await count(page, "48 entries").waitFor();
    await values.getByRole("button", { name: "success 24" }).click();
    await count(page, "24 entries").waitFor();
    expect(at(page).get("q")).toBe(String.raw`actor="Dana \"D\"" status="success"`);
    await page.reload();
    await values.getByRole("button", { name: "success 24" }).waitFor();
    await page.getByRole("button", { name: "Top values" }).click();
    await values.waitFor({ state: "detached" });
  });

  test("is gone where the next search fails", async () => {
    const page = await visit(site, "/?of=event");
    await bars(page).waitFor();
    await search(page, "(");
    await page.getByRole("alert").waitFor();
    await bars(page).waitFor({ state: "detached" });
  });

  test("narrows each side of an OR", async () => {
    const page = await visit(site, "/?values=shown");
    await search(page, "actor=(x OR y) OR message:at");
    await page.getByRole("button", { name: "denied 300" }).click();
    await count(page, "300 entries").waitFor();
  });

  test("is drawn without a complaint of the browser", () => {
    expect(site.complaints).toEqual([]);
  });
});

/** From one part of an element's width to another. */
async function drag(
  page: Page,
  target: ReturnType<Page["locator"]>,
  [from, to]: readonly [number, number],
): Promise<void> {
  await target.waitFor();
  const box = await target.boundingBox();
  if (box === null) throw new Error("there is nothing to drag over");
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, y, { steps: 5 });
  await page.mouse.up();
}
