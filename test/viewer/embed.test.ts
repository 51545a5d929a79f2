import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { faultsOf } from "./axe.js";
import {
  ACME,
  PLACE,
  counted,
  lock,
  openEmbeddedSite,
  panel,
  rowOf,
  searchIn,
  trail,
  type EmbeddedSite,
} from "./embedded-site.js";
import { START_MS, until } from "./site.js";

describeWith("chromium, the viewer in another React application", hasBrowser, () => {
  let there: EmbeddedSite;
  beforeAll(async () => {
    there = await openEmbeddedSite();
  }, START_MS);
  afterAll(() => there.close());
  beforeEach(() => {
    there.site.complaints.length = 0;
  });

  test.each([
    [19, 0],
    [18, 1],
  ] as const)("shows rows with green locks to React %i, and opens one with its proof", async (react, place) => {
    const at = there.hosts[place];
    const page = await there.opened({}, { at });
    await lock(page).nth(10).waitFor();
    await rowOf(page, "globex 19").getByText("globex 19").click();
    await panel(page).getByText("hashes lead from entry 39 to the root").first().waitFor();
    await panel(page).locator(".proof .root").first().waitFor();
    expect(page.url()).toBe(`${at.url}${PLACE}`);
    expect(await page.evaluate<number>("history.length")).toBe(2);
    // What stands around it hears of the click, once.
    expect(await page.locator("output").innerText()).toBe("1");
    await page.getByRole("button", { name: "Leave" }).click();
    await page.locator(".trail").waitFor({ state: "detached" });
    expect(there.site.complaints.filter((text) => !text.includes("React DevTools"))).toEqual([]);
    expect(readFileSync(join(at.modules, "react/package.json"), "utf8")).toContain(`"version": "${react}.`);
  });

  test("neither changes the application's styles nor is changed by them", async () => {
    const page = await there.opened({ tables: [] });
    const own = () => page.evaluate<string>(LOOK_OF_OWN);
    await page.locator("#own").waitFor();
    const before = await own();
    const full = await there.opened({});
    await lock(full).first().waitFor();
    await full.getByRole("button", { name: "Columns" }).click();
    await full.getByRole("dialog", { name: "Columns and order" }).waitFor();
    expect(await full.evaluate<string>(LOOK_OF_OWN)).toBe(before);
    expect(await full.evaluate<number>("document.styleSheets.length + document.adoptedStyleSheets.length")).toBe(1);
    const looks = await full.evaluate<readonly string[]>(LOOK_OF_OURS);
    expect(looks).toEqual(["grid", "13px", "20px", "normal", "normal", "none", "6px", "1px", "border-box"]);
    expect((await full.locator(".trail").boundingBox())?.height).toBe(620);
  });

  test("is there twice on a page, and neither disturbs the other", async () => {
    const tables = [
      { restriction: ACME, columns: ["message"] },
      { query: "globex", theme: "dark" },
    ];
    const page = await there.opened({ tables });
    const [one, two] = [trail(page, 1), trail(page, 2)];
    await counted(one, "20 entries").waitFor();
    await searchIn(one, "erin");
    await rowOf(one, "acme 19").getByText("acme 19").click();
    await rowOf(two, "globex 18").getByText("globex 18").click();
    await panel(one).getByText("invoice 19").first().waitFor();
    await panel(two).getByText("invoice 18").first().waitFor();
    expect(await rowOf(two, "globex 17").count()).toBe(1);
    // The one that was opened first closes by its own key, and the other by none that is pressed in the application.
    await panel(one).focus();
    await page.keyboard.press("Escape");
    await panel(one).waitFor({ state: "detached" });
    await page.getByLabel("Our field").press("Escape");
    await panel(two).getByText("invoice 18").first().waitFor();
    await two.getByRole("grid").press("Escape");
    await panel(two).waitFor({ state: "detached" });
    expect(await one.getByRole("columnheader").allInnerTexts()).toEqual(["Verified", "Message"]);
  });

  test("shows one entry by itself, and leads to its neighbours", async () => {
    const page = await there.opened({ tables: [], entry: { leafIndex: 3 } });
    const one = page.getByRole("region", { name: "One entry" });
    await lock(one).waitFor();
    await one.getByText("hashes lead from entry 3 to the root").first().waitFor();
    await one.getByRole("button", { name: "Entry after" }).click();
    await one.getByRole("heading", { name: "Entry 4" }).waitFor();
    expect(await faultsOf(page, "document.querySelector('[data-auditql]')")).toEqual([]);
  });

  test("is used by keyboard alone, and axe finds nothing serious in it", async () => {
    const page = await there.opened({});
    await lock(page).first().waitFor();
    const { keyboard } = page;
    const faults = () => faultsOf(page, "document.querySelector('[data-auditql]')");
    expect(await faults()).toEqual([]);
    await page.getByRole("textbox", { name: "Search query" }).focus();
    await keyboard.type("globex");
    await keyboard.press("Enter");
    await page.getByRole("grid").focus();
    for (const press of ["Home", "ArrowDown", "Enter"]) await keyboard.press(press);
    await panel(page).locator(".proof").waitFor();
    expect(await faults()).toEqual([]);
    await panel(page).getByRole("button", { name: "Copy" }).focus();
    for (const press of ["Enter", "ArrowDown"]) await keyboard.press(press);
    await until(page, `${FOCUSED}.innerText === "curl"`);
    await keyboard.press("Escape");
    await until(page, `${FOCUSED}.innerText === "Copy"`);
    await keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
    await until(page, `${FOCUSED}.id === "entries"`);
    await page.getByRole("button", { name: "Columns" }).focus();
    await keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Columns and order" }).waitFor();
    expect(await faults()).toEqual([]);
    for (let tabs = 0; tabs < 40; tabs++) await keyboard.press("Tab");
    await until(page, `${FOCUSED}.closest("[role=dialog]") !== null`);
    await keyboard.press("Escape");
    await until(page, `${FOCUSED}.innerText === "Columns"`);
  });

  test("is laid out by its own width", async () => {
    const page = await there.opened({});
    await lock(page).first().waitFor();
    await page.locator(".trail").evaluate(makeNarrow);
    await page.getByRole("columnheader").first().waitFor({ state: "hidden" });
    await rowOf(page, "globex 19").getByText("globex 19").click();
    const [all, box] = [await page.locator(".trail").boundingBox(), await panel(page).boundingBox()];
    expect([box?.x, box?.width, box?.height]).toEqual([all?.x, 500, 620]);
  });

  test("is an empty element where a server draws the application", () => {
    const program = `import { renderToString } from "react-dom/server"; import { createElement } from "react";
      import { AuditTable } from "auditql/viewer";
      console.log(renderToString(createElement(AuditTable, { endpoint: "/graphql", className: "trail" })));`;
    const options = { cwd: join(there.hosts[0].modules, ".."), encoding: "utf8" } as const;
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], options);
    expect(printed.trim()).toBe('<div data-auditql="table" class="trail"></div>');
  });
});

/** A button of the application, and the text around it. */
const LOOK_OF_OWN = `JSON.stringify([document.documentElement, document.body, own].map((one) => {
  const { color, font, letterSpacing, textTransform, margin, padding, border, borderRadius, background, boxSizing, display, colorScheme } =
    getComputedStyle(one);
  return [color, font, letterSpacing, textTransform, margin, padding, border, borderRadius, background, boxSizing, display, colorScheme];
}))`;

/** In the shadow root: a row, its text, and a button. */
const LOOK_OF_OURS = `(() => {
  const root = document.querySelector("[data-auditql]").shadowRoot;
  const [row, cell, button] = [".row", ".cell.message", ".status-line button"].map((one) => root.querySelector(one));
  const [a, b, c] = [row, cell, button].map((one) => getComputedStyle(one));
  return [a.display, b.fontSize, c.lineHeight, b.fontStyle, b.letterSpacing, b.textTransform, c.borderRadius, c.borderTopWidth, c.boxSizing];
})()`;

/** The element that has the focus, in the shadow root. */
const FOCUSED = `(document.activeElement?.shadowRoot?.activeElement ?? document.body)`;

/** No DOM types here. */
function makeNarrow(element: unknown): void {
  Object.assign((element as { readonly style: object }).style, { width: "500px" });
}
