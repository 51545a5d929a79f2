import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { verifyFile, type VerifyOptions } from "../../src/cli/verify.js";
import { asLines, KEY, SmallLog } from "./evidence.js";
import { recordedOutput } from "./recorded-output.js";

const text = asLines(new SmallLog().document);

describe("auditql verify of an address", () => {
  let server: Server;
  let respond: RequestListener;
  let url = "";
  beforeEach(async () => {
    server = createServer((request, response) => {
      respond(request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/evidence`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function verified(at = url, options: VerifyOptions = { key: KEY }) {
    const recorded = recordedOutput();
    const code = await verifyFile(at, options, recorded.output);
    return { code, lines: recorded.written().split("\n").slice(0, -1), note: recorded.notes() };
  }

  test("checks what it answers, compressed or not", async () => {
    respond = (_request, response) => response.end(text);
    const plain = await verified();
    expect([plain.code, plain.lines.length, plain.note]).toEqual([0, 10, expect.stringContaining("holds under")]);
    respond = (_request, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(text));
    expect(await verified()).toEqual(plain);
  });

  test("believes no answer: 1 for a changed one, 2 for one that is none or breaks off", async () => {
    respond = (_request, response) => response.end(text.replace("event 0", "event 9"));
    expect((await verified()).code).toBe(1);
    respond = (_request, response) => response.writeHead(410).end("gone");
    expect(await verified()).toEqual({ code: 2, lines: [], note: `cannot verify ${url}: the address answered 410` });
    respond = (_request, response) => {
      response.writeHead(200, { "content-length": text.length });
      response.write(text.slice(0, -20), () => response.destroy());
    };
    expect(await verified()).toMatchObject({ code: 2, note: expect.stringContaining("not to the end") as unknown });
  });

  test("says so where nobody answers", async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
    expect(await verified()).toEqual({ code: 2, lines: [], note: expect.stringContaining("ECONNREFUSED") as unknown });
  });

  test("colors verdicts for a terminal, and nothing else", async () => {
    respond = (_request, response) => response.end(text.replace("event 0", "event 9"));
    const { lines } = await verified(url, { key: KEY, isColored: true });
    expect(lines.slice(0, 3)).toEqual([
      "entries[0] hash \u001b[31mINVALID HASH_MISMATCH\u001b[39m",
      "entries[0] signature \u001b[33mUNKNOWN NO_SIGNATURE\u001b[39m",
      "entries[0] membership \u001b[32mVALID\u001b[39m",
    ]);
    const { lines: json } = await verified(url, { key: KEY, isColored: true, json: true });
    expect(json.join()).not.toContain("\u001b");
  });
});
