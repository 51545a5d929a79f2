import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { build } from "esbuild";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { AuditService } from "../../../src/audit/service.js";
import { hasBrowser, launchBrowser } from "../../browser.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { describeWith } from "../../service.js";
import { openPangeaService, pangeaGateway } from "./sdk.js";

/** What an application does with the viewer, as its README says: each call goes to the service through its own server. */
const PAGE = `
  import { createElement } from "react";
  import { createRoot } from "react-dom/client";
  import { AuditLogViewer } from "@pangeacyber/react-mui-audit-log-viewer";

  const call = async (path, body) => {
    const response = await fetch(path, { method: "POST", body: JSON.stringify(body) });
    return (await response.json()).result;
  };
  const viewer = createElement(AuditLogViewer, {
    initialQuery: "",
    onSearch: (body) => call("/v1/search", body),
    onPageChange: (body) => call("/v1/results", body),
    verificationOptions: { onFetchRoot: (body) => call("/v1/root", body) },
  });
  createRoot(document.getElementById("root")).render(viewer);
`;
// A busy machine draws slowly.
jest.setTimeout(180_000);
const DRAWN_MS = 60_000;

const CLIENTS = fileURLToPath(new URL("../../../../test/clients/", import.meta.url));

describeWith("a browser", hasBrowser, () => {
  let service: AuditService;
  let gateway: TestGateway;
  let server: Server;
  let browser: Browser;
  let script: string;
  /** What the application's server makes of an answer on its way. */
  let onTheWay = (body: string): string => body;
  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: PAGE, resolveDir: CLIENTS },
      ...{ bundle: true, write: false, format: "iife", logLevel: "silent" },
      define: { "process.env.NODE_ENV": '"production"' },
    });
    script = outputFiles[0]?.text ?? "";
    service = await openPangeaService();
    gateway = await pangeaGateway(service);
    const events = ["signed in", "changed a password", "signed out"].map((message, i) => ({
      event: { message, actor: "dana", ...(i === 1 && { old: "a", new: "b" }) },
    }));
    await service.append({ log: "default", events, sign: true, path: "events" });
    server = createServer((request, response) => {
      if (request.method === "GET") {
        const isScript = request.url === "/viewer.js";
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
        response.end(isScript ? script : '<!doctype html><div id="root"></div><script src="/viewer.js"></script>');
        return;
      }
      void text(request).then(async (body) => {
        const headers = { "content-type": "application/json", authorization: "Bearer token" };
        const answer = await fetch(`${gateway.url}${request.url}`, { method: "POST", headers, body });
        response.writeHead(answer.status, { "content-type": "application/json" });
        response.end(onTheWay(await answer.text()));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await launchBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    server.close();
    await gateway.close();
  });

  /** The viewer with its rows, on a page of its own that reaches nothing but this machine. */
  async function opened(): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.route(/^(?!http:\/\/127\.0\.0\.1:)/, async (route) => {
      // What the viewer asks first for published roots has none, so that it asks the gateway (protocol section 4.7).
      if (route.request().url() === "https://arweave.net/graphql") await route.fulfill({ json: NO_RECORD });
      else await route.abort();
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.getByText("changed a password").waitFor();
    return page;
  }

  async function expectRows(page: Page, rows: readonly string[]): Promise<void> {
    await shows(page, `JSON.stringify(${ROWS}) === ${JSON.stringify(JSON.stringify(rows))}`);
    expect(await page.evaluate(ROWS)).toEqual(rows);
  }

  test("shows the events of a log, each with a green lock, and green lines between them", async () => {
    const page = await opened();
    await expectRows(page, ["signed out: green", "changed a password: green", "signed in: green"]);
    await shows(page, `${GREEN_LINES} === 4`);
    expect(await page.evaluate(GREEN_LINES)).toBe(4);
    await page.close();
  });

  test.each([
    ["a hash", (event: Shown) => ({ ...event, hash: "00".repeat(32) })],
    [
      "a proof",
      (event: Shown) => ({
        ...event,
        membership_proof: event.membership_proof.replace(/[0-9a-f]{64}/, "00".repeat(32)),
      }),
    ],
  ])("shows a red lock where %s was changed on its way, and green ones beside it", async (_, change) => {
    onTheWay = (body) => {
      const answer = JSON.parse(body) as { readonly result: { readonly events?: readonly Shown[] } };
      const events = answer.result.events?.map((event) =>
        event.envelope.event.message === "signed out" ? change(event) : event,
      );
      return JSON.stringify({ ...answer, result: { ...answer.result, ...(events && { events }) } });
    };
    const page = await opened();
    await expectRows(page, ["signed out: red", "changed a password: green", "signed in: green"]);
    await page.close();
  });

  test("finds what is typed, and opens a row", async () => {
    onTheWay = (body) => body;
    const page = await opened();
    await page.getByPlaceholder("Search").fill("password");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await expectRows(page, ["changed a password: green"]);
    await page.getByText("changed a password").click();
    await page.getByText("dana").waitFor();
    await page.close();
  });
});

interface Shown {
  readonly hash: string;
  readonly membership_proof: string;
  readonly envelope: { readonly event: { readonly message: string } };
}

const NO_RECORD = { data: { transactions: { edges: [] } } };

/** Waits until it is so; what it is instead is the caller's to say. */
async function shows(page: Page, expression: string): Promise<void> {
  await page.waitForFunction(expression, undefined, { timeout: DRAWN_MS }).catch(() => undefined);
}

/** Of each row its message and the color of its lock. */
const ROWS = `
  [...document.querySelectorAll("[data-rowindex]")].map((row) => {
    const lock = row.querySelector("[data-testid^='Pangea-VerificationLock-']");
    const color = { "rgb(46, 125, 50)": "green", "rgb(211, 47, 47)": "red" }[lock && getComputedStyle(lock).color];
    return row.querySelector("[data-field=message]").innerText + ": " + (color ?? "neither");
  })
`;

/** The halves of lines between rows that say: the later root extends the earlier one. */
const GREEN_LINES = `
  [...document.querySelectorAll(".Pangea-VerificationLine-Box")]
    .filter((line) => getComputedStyle(line).backgroundColor === "rgb(46, 125, 50)").length
`;
