import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import type { AuditService } from "../../src/audit/service.js";
import type { Gateway } from "../../src/http/gateway.js";
import { openTestService } from "../engine/test-log.js";
import { tailGateway } from "./tail-clients.js";

const SCRIPT = "let a;";

let folder: string;
let service: AuditService;
let gateway: Gateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-pages-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<!doctype html>");
  await writeFile(join(folder, "assets", "index-B1a2c3D4.js"), SCRIPT);
  await writeFile(join(folder, "assets", "index-B1a2c3D4.js.br"), brotliCompressSync(SCRIPT));
  await writeFile(join(folder, "assets", "plain.css"), "a {}");
  service = await openTestService();
  gateway = await tailGateway(service, { graphiqlFolder: folder });
});

afterAll(async () => {
  await gateway.close(1_000);
  await service.close();
  await rm(folder, { recursive: true });
});

/** By node:http, for fetch unpacks what comes, and asks for packed answers whether it is told to or not. */
async function page(path: string, headers: Readonly<Record<string, string>> = {}) {
  const sent = request(`${gateway.url}/graphiql/${path}`, { headers }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

const headersOf = async (path: string) => (await page(path)).headers;

describe("the pages", () => {
  test("are those that were in the folder at the start, and no others", async () => {
    await writeFile(join(folder, "later.js"), SCRIPT);
    expect((await page("later.js")).status).toBe(404);
    expect((await page("assets/")).status).toBe(404);
    expect((await page("assets/plain.css")).body.toString()).toBe("a {}");
  });

  test("have one address each, however they are compressed", async () => {
    expect((await page("assets/index-B1a2c3D4.js")).status).toBe(200);
    expect((await page("assets/index-B1a2c3D4.js.br")).status).toBe(404);
  });

  test("have exact content types", async () => {
    expect((await headersOf(""))["content-type"]).toBe("text/html; charset=utf-8");
    expect((await headersOf("assets/plain.css"))["content-type"]).toBe("text/css; charset=utf-8");
    expect((await headersOf("assets/index-B1a2c3D4.js"))["content-type"]).toMatch(/^(text|application)\/javascript/);
  });

  test("are kept by browsers for ever only if their name has a hash of their content", async () => {
    expect((await headersOf("assets/index-B1a2c3D4.js"))["cache-control"]).toContain("immutable");
    expect((await headersOf("assets/plain.css"))["cache-control"]).toBe("no-cache");
    expect((await headersOf(""))["cache-control"]).toBe("no-cache");
  });

  test("are not sent again to a browser that has them", async () => {
    const { etag = "" } = await headersOf("assets/plain.css");
    const { status, body } = await page("assets/plain.css", { "if-none-match": etag });
    expect([status, body.length]).toEqual([304, 0]);
  });

  test("come as the build compressed them to a browser that takes that", async () => {
    const packed = await page("assets/index-B1a2c3D4.js", { "accept-encoding": "gzip, br" });
    expect(packed.headers).toMatchObject({ "content-encoding": "br", vary: "accept-encoding" });
    expect(packed.headers["content-type"]).toMatch(/^(text|application)\/javascript/);
    expect(packed.headers["cache-control"]).toContain("immutable");
    expect(brotliDecompressSync(packed.body).toString()).toBe(SCRIPT);
    const plain = await page("assets/index-B1a2c3D4.js");
    expect([plain.headers["content-encoding"], plain.body.toString()]).toEqual([undefined, SCRIPT]);
    expect((await page("assets/plain.css", { "accept-encoding": "br" })).body.toString()).toBe("a {}");
  });

  test("of the viewer are at / where there are some; without them / leads to GraphiQL", async () => {
    const without = await fetch(gateway.url, { redirect: "manual" });
    expect([without.status, without.headers.get("location")]).toEqual([307, "/graphiql/"]);
    const viewerFolder = join(folder, "assets");
    await writeFile(join(viewerFolder, "index.html"), "<!doctype html>viewer");
    const other = await tailGateway(service, { graphiqlFolder: folder, viewerFolder });
    const response = await fetch(other.url);
    expect(await response.text()).toBe("<!doctype html>viewer");
    expect(response.headers.get("content-security-policy")).toMatch(/;style-src 'self';(?!.*unsafe)/);
    expect((await fetch(`${other.url}/plain.css`)).status).toBe(200);
    expect((await fetch(`${other.url}/graphiql/`)).status).toBe(200);
    expect((await fetch(`${other.url}/none.js`)).status).toBe(404);
    await other.close(1_000);
  });

  test("let a page load and call this host only", async () => {
    const headers = await headersOf("");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none';.*script-src 'self';/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });
});
