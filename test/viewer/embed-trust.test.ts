import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { noteSigner, verifierKeyText } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import {
  ACME,
  LOG_BULK,
  counted,
  lock,
  openEmbeddedSite,
  panel,
  rowOf,
  searchIn,
  trail,
  type EmbeddedSite,
} from "./embedded-site.js";
import { START_MS } from "./site.js";

/** Another key of the same log's name. */
const STRANGER = verifierKeyText(noteSigner("localhost/auditql/default", new Uint8Array(32).fill(7), nobleEd25519));
const ROOT_OF = "{ root { treeSize hash publicKey } }";

describeWith("chromium, what the viewer in another application reads and trusts", hasBrowser, () => {
  let there: EmbeddedSite;
  beforeAll(async () => {
    there = await openEmbeddedSite();
  }, START_MS);
  afterAll(() => there.close());

  test("shows nothing but what the restriction leaves, whatever is typed", async () => {
    const page = await there.opened({ tables: [{ restriction: ACME }] });
    await counted(page, "20 entries").waitFor();
    for (const [query, found] of [
      ["", 20],
      ["dana OR erin", 20],
      ["globex", 0],
      ["tenant_id=globex OR actor:dana", 10],
      ["-nothing", 20],
      ["dana", 10],
    ] as const) {
      await searchIn(page, query);
      await counted(page, `${found} entries`).waitFor();
    }
    await searchIn(page, "x) OR (tenant_id=globex");
    const fault = 'Column 2. Expected a term or the end of the query, got ")".';
    await page.getByRole("alert").filter({ hasText: fault }).waitFor();
    expect(await page.getByRole("row").filter({ hasText: "globex" }).count()).toBe(0);
  });

  test("leads from a restricted table to no other entry, and follows no other", async () => {
    const page = await there.opened({ tables: [{ restriction: ACME }] });
    await rowOf(page, "acme 19").getByText("acme 19").click();
    await panel(page).getByText("invoice 19").first().waitFor();
    expect(await panel(page).getByRole("button", { name: "Entry after" }).isDisabled()).toBe(true);
    expect(await panel(page).getByText("Beside it in the log").count()).toBe(0);
    await panel(page).getByRole("button", { name: "All by this actor" }).click();
    await counted(page, "10 entries").waitFor();
    await page.getByRole("button", { name: "Live" }).click();
    const late = ["globex", "acme"].map((tenantId) => ({ actor: "erin", tenantId, message: `late ${tenantId}` }));
    await there.ask(LOG_BULK, { events: late });
    await rowOf(page, "late acme").waitFor();
    expect(await rowOf(page, "late globex").count()).toBe(0);
  });

  test("says so where its restriction is no query, and shows nothing", async () => {
    const page = await there.opened({ tables: [{ restriction: "tenant_id=" }, { restriction: " " }] });
    await trail(page, 1).getByRole("alert").getByText("The restriction of this table is no query").waitFor();
    await trail(page, 2).getByRole("alert").getByText("it is empty; leave it out to show the whole log").waitFor();
    expect(await page.getByRole("row").count()).toBe(2); // the heads
  });

  test("asks for the token before each request, and again where it was refused", async () => {
    const sent: string[] = [];
    const note = async (page: Page): Promise<void> => {
      await page.route("**/graphql", async (route) => {
        if (route.request().method() === "POST") sent.push(route.request().headers()["authorization"] ?? "none");
        await route.continue();
      });
    };
    const page = await there.opened({ tokens: ["old", "old", "ended", there.key] }, { prepare: note });
    await page.getByRole("alert").getByText("credential").waitFor();
    expect(sent).toEqual(["Bearer old"]);
    await page.getByRole("button", { name: "Try again" }).click();
    await lock(page).first().waitFor();
    expect(sent.slice(0, 3)).toEqual(["Bearer old", "Bearer ended", `Bearer ${there.key}`]);
  });

  test("turns a lock red for an entry that was changed on its way", async () => {
    const tamper = async (page: Page): Promise<void> => {
      await page.route("**/graphql", async (route) => {
        if (!(route.request().postData() ?? "").includes("FindEntries")) return route.continue();
        const response = await route.fetch();
        const body = (await response.text()).replace(
          String.raw`\"message\":\"globex 18\"`,
          String.raw`\"message\":\"other 18\"`,
        );
        return route.fulfill({ response, body });
      });
    };
    const page = await there.opened({}, { prepare: tamper });
    const red = page.getByRole("img", { name: "Not verified. Hash: the text is not the one that was hashed" });
    await rowOf(page, "other 18")
      .and(page.getByRole("row").filter({ has: red }))
      .waitFor();
    await lock(page).nth(5).waitFor();
  });

  test("trusts the key and the root that the application has, and remembers them for nobody else", async () => {
    const { root } = (await there.ask(ROOT_OF)) as {
      readonly root: { readonly treeSize: number; readonly hash: string; readonly publicKey: string };
    };
    const [right, wrong] = [root.publicKey, STRANGER];
    const earlier = { treeSize: root.treeSize, hash: "00".repeat(32) };
    const tables = [
      { trusted: { key: right, root } },
      { trusted: { key: wrong } },
      { trusted: { key: right, root: earlier } },
      {},
    ];
    const page = await there.opened({ tables: tables.slice(0, 2) });
    await trail(page, 1).getByText(`the log still holds the ${root.treeSize} entries`).waitFor();
    await lock(trail(page, 1)).first().waitFor();
    await trail(page, 2).getByRole("alert").getByText("The gateway names another key").waitFor();
    await trail(page, 2).getByRole("img", { name: "Checkpoint: the trusted key did not sign" }).first().waitFor();
    const other = await there.opened({ tables: tables.slice(2) });
    await trail(other, 1).getByRole("alert").getByText("are not those that this browser saw before").waitFor();
    await trail(other, 2).getByText("first visit").waitFor();
    await lock(trail(other, 2)).first().waitFor();
  });
});
