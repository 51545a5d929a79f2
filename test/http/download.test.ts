import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { LOOPBACK } from "../../src/audit/principal.js";
import { DOES_NOT_HOLD, HOLDS, HOLDS_FOR_KEY_INSIDE, UNREADABLE } from "../../src/cli/verify.js";
import { sealLink } from "../../src/downloads/link.js";
import { verified } from "../cli/verifiers.js";
import { fill, logMessages, openTestService } from "../engine/test-log.js";
import { DownloadResultsDocument, SearchDocument } from "../generated/operations.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { replaced } from "../graphql/watched.js";
import { fetched, lines, linkTo, PLAIN, sealer, text, type Line } from "./download-client.js";

const SIZE = 1_000;
let gateway: TestGateway;
beforeAll(async () => {
  const service = await openTestService();
  const event = { message: { b: 1, a: "x" }, actor: "=cmd()", tenant_id: "acme", new: 'say "hi",\nbob' };
  await service.append({ log: "default", events: [{ event }], sign: true, path: "event" });
  await fill(service, SIZE - 1);
  gateway = await testGateway(service, { sealer });
});
afterAll(async () => {
  await gateway.close();
});

describe("a file", () => {
  test("as CSV is a table that a spreadsheet opens and executes nothing of", async () => {
    const { url } = await linkTo(gateway, { query: "acme", format: "CSV" });
    const { status, headers, body } = await fetched(url, PLAIN);
    expect([status, headers["content-type"], headers["content-disposition"]]).toEqual([
      200,
      "text/csv; charset=utf-8; header=present",
      `attachment; filename="auditql-default-${SIZE}.csv"`,
    ]);
    const [head = "", ...rest] = body.toString().split("\r\n");
    expect(head).toBe(
      "\ufeffleafIndex,hash,receivedAt,message,actor,action,new,old,source,status,target,timestamp,tenantId,signature,publicKey,error",
    );
    const record = rest.join("\r\n");
    expect(record).toMatch(/^0,[0-9a-f]{64},\d{4}-[^,]*Z,/);
    expect(record).toContain(`,"{""a"":""x"",""b"":1}",'=cmd(),,"say ""hi"",\nbob",,,,,,acme,`);
    expect(record.endsWith(",\r\n")).toBe(true);
  });

  test("as NDJSON has an entry on each line, to the letter, in the order of the search", async () => {
    const { url } = await linkTo(gateway);
    const all = lines(await text(url));
    expect(all.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: SIZE }, (_, i) => SIZE - 1 - i));
    const [outcome] = await gateway.service.entries("default", [0]);
    if (outcome?.kind !== "entry") throw new Error("no entry");
    const { hash, canonical, envelope } = outcome.entry;
    expect(all.at(-1)).toEqual({
      leafIndex: 0,
      hash,
      canonical,
      receivedAt: envelope.received_at,
      event: { message: { a: "x", b: 1 }, actor: "=cmd()", new: 'say "hi",\nbob', tenantId: "acme" },
      signature: envelope.signature,
      publicKey: envelope.public_key,
    });
  });

  test("as JSON is one document with the signed root", async () => {
    const { url } = await linkTo(gateway, { format: "JSON", maxResults: 3 });
    const document = JSON.parse(await text(url)) as { readonly roots: unknown; readonly entries: readonly Line[] };
    expect(document).toMatchObject({
      log: "default",
      format: "rfc6962",
      publicKey: (await gateway.service.identity("default")).verifierKey,
      roots: [await gateway.service.root("default", SIZE)],
    });
    expect(document.entries.map(({ leafIndex }) => leafIndex)).toEqual([SIZE - 1, SIZE - 2, SIZE - 3]);
  });

  test("as EVIDENCE is what JSON is, line by line, and its last line says that it is whole", async () => {
    const [json, evidence] = await Promise.all(
      (["JSON", "EVIDENCE"] as const).map((format) => linkTo(gateway, { format, maxResults: 3 })),
    );
    const { entries, ...head } = JSON.parse(await text(json?.url ?? "")) as { readonly entries: readonly unknown[] };
    const { body, headers } = await fetched(evidence?.url ?? "", PLAIN);
    expect(lines(body.toString())).toEqual([{ ...head, entries: "lines" }, ...entries, { end: 3 }]);
    expect([headers["content-type"], headers["content-disposition"]]).toEqual([
      "application/x-ndjson",
      `attachment; filename="auditql-default-${SIZE}.evidence.ndjson"`,
    ]);
  });

  test.each(["JSON", "EVIDENCE"] as const)(
    "as %s has its key behind its roots, and its entries last, so that they are checked as they come",
    async (format) => {
      const { url } = await linkTo(gateway, { format, maxResults: 1 });
      const names = ["log", "format", "origin", "roots", "publicKey", "entries"];
      const body = await text(url);
      const places = names.map((name) => body.indexOf(`"${name}":`));
      expect(places).toEqual([...places].sort((a, b) => a - b));
    },
  );

  test.each(["JSON", "EVIDENCE"] as const)(
    "as %s is evidence: `auditql verify` checks every entry of it, and needs nothing else but the key",
    async (format) => {
      const { url } = await linkTo(gateway, { query: "acme OR event", maxResults: 40, format });
      const evidence = await text(url);
      const { verifierKey: key } = await gateway.service.identity("default");
      const { code, lines } = await verified(evidence, { key });
      // Of each entry: hash, membership and checkpoint; of the root: its checkpoint.
      expect([code, lines.filter((line) => line.endsWith(" VALID")).length]).toEqual([HOLDS, 40 * 3 + 1]);
      expect((await verified(evidence)).code).toBe(HOLDS_FOR_KEY_INSIDE);
      expect((await verified(evidence.replaceAll("event 990", "event 991"), { key })).code).toBe(DOES_NOT_HOLD);
      expect((await verified(evidence.slice(0, -5), { key })).code).toBe(UNREADABLE);
    },
  );

  test.each(["CSV", "JSON", "NDJSON", "EVIDENCE"] as const)("of nothing is a whole file too (%s)", async (format) => {
    const { url } = await linkTo(gateway, { query: "nothing", format });
    const body = await text(url);
    if (format === "JSON") expect(JSON.parse(body)).toMatchObject({ entries: [] });
    else if (format === "EVIDENCE") expect(lines(body).slice(1)).toEqual([{ end: 0 }]);
    else expect(body.split("\r\n")).toHaveLength(format === "CSV" ? 2 : 1);
  });

  test.each(["CSV", "JSON", "NDJSON", "EVIDENCE"] as const)(
    "is gzipped for whoever asks for that (%s)",
    async (format) => {
      const { url } = await linkTo(gateway, { format });
      const plain = await fetched(url, PLAIN);
      expect([plain.headers["content-encoding"], plain.headers.vary]).toEqual([undefined, "accept-encoding"]);
      const zipped = await fetched(url, { "accept-encoding": "gzip" });
      expect(zipped.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(zipped.body)).toEqual(plain.body);
      expect(zipped.body.length).toBeLessThan(plain.body.length / 2);
    },
  );

  test("holds what the search counts, or every match where that is asked for", async () => {
    const [some, all] = [
      await linkTo(gateway, { maxResults: 5 }),
      await linkTo(gateway, { maxResults: 5, everyMatch: true }),
    ];
    expect([lines(await text(some.url)).length, lines(await text(all.url)).length]).toEqual([5, SIZE]);
  });

  test("is described to HEAD, and not sent", async () => {
    const { url } = await linkTo(gateway, { format: "CSV" });
    const { status, headers, body } = await fetched(url, { "accept-encoding": "gzip" }, "HEAD");
    expect([status, headers["content-encoding"], body.length]).toEqual([200, "gzip", 0]);
  });
});

describe("a link", () => {
  test("is on this gateway, for a quarter of an hour", async () => {
    const { url, expiresAt, format } = await linkTo(gateway);
    expect(url.startsWith(`${gateway.url}/downloads/`)).toBe(true);
    const minutes = (Date.parse(expiresAt) - Date.now()) / 60_000;
    expect([format, minutes > 14.5 && minutes <= 15]).toEqual(["NDJSON", true]);
  });

  test("begins with the public URL where there is one", async () => {
    const other = await testGateway(await openTestService(), { publicUrl: "https://audit.example.com/log" });
    const { url } = await linkTo(other);
    expect(url).toMatch(/^https:\/\/audit\.example\.com\/log\/downloads\/[\w-]+$/);
    await other.close();
  });

  test("opens on every gateway of the deployment", async () => {
    const stays = replaced(gateway.service, { close: () => Promise.resolve() });
    const other = await testGateway(stays, { sealer });
    const { url } = await linkTo(gateway, { maxResults: 2 });
    expect(lines(await text(url.replace(gateway.url, other.url)))).toHaveLength(2);
    await other.close();
  });

  test("opens whatever credential comes along, for some clients send theirs", async () => {
    const { url } = await linkTo(gateway, { maxResults: 2 });
    const { status } = await fetched(url, { authorization: "Bearer something" });
    expect(status).toBe(200);
  });

  test.each([
    ["altered", "x".repeat(60)],
    ["none", ""],
  ])("is refused when it is %s", async (_how, token) => {
    const { status, body } = await fetched(`${gateway.url}/downloads/${token}`);
    expect([status, body.toString()]).toEqual([404, expect.stringContaining('"code":"NOT_FOUND"')]);
  });

  test("is gone when it has expired, and says what to do", async () => {
    const { search } = await gateway.data(SearchDocument, { first: 0 });
    const token = sealLink(sealer, {
      ...{ principal: LOOPBACK, id: search.resultId, everyMatch: true, format: "CSV" },
      expiresAtMs: Date.now() - 1,
    });
    const { status, body } = await fetched(`${gateway.url}/downloads/${token}`);
    expect([status, JSON.parse(body.toString())]).toEqual([
      410,
      { errors: [{ message: expect.stringContaining("downloadResults"), extensions: { code: "LINK_EXPIRED" } }] },
    ]);
  });

  test("takes GET and HEAD only", async () => {
    const { url } = await linkTo(gateway);
    const { status, headers } = await fetched(url, {}, "POST");
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
  });

  test("is not made for a result that is none", async () => {
    const { errors } = await gateway.run(DownloadResultsDocument, { id: "x", format: "CSV", everyMatch: false });
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", problems: [{ path: "id" }] } }]);
  });
});

test("a link of an API key that was revoked opens nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "auditql-download-"));
  const file = join(folder, "keys.json");
  const { stored, text: key } = await createKey(file, { name: "reader", scopes: ["audit:read"] }, new Date());
  await createKey(file, { name: "other", scopes: ["audit:read"] }, new Date());
  const access = await openAccess({ host: "127.0.0.1", apiKeys: file });
  const service = await openTestService();
  await logMessages(service, 3);
  const keyed = await testGateway(service, { access, sealer });
  const ask = async (query: string) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
    const response = await fetch(`${keyed.url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
    return ((await response.json()) as { readonly data: Record<string, Record<string, string>> }).data;
  };
  const { search } = await ask("{ search { resultId } }");
  const { downloadResults } = await ask(
    `mutation { downloadResults(id: "${search?.["resultId"] ?? ""}", format: NDJSON) { url } }`,
  );
  const url = downloadResults?.["url"] ?? "";
  expect(lines(await text(url))).toHaveLength(3);
  await revokeKey(file, stored.id, new Date());
  // The key file is read again within a second.
  await passed(1_100);
  const { status, body } = await fetched(url);
  expect([status, body.toString()]).toEqual([403, expect.stringContaining("no longer admitted")]);
  await keyed.close();
  await rm(folder, { recursive: true });
});
