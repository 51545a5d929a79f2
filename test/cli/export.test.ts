import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "csv-parse/sync";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditService, TreeEntry } from "../../src/audit/service.js";
import { exportEntries, type ExportFlags } from "../../src/cli/export.js";
import { message, openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { replaced } from "../graphql/watched.js";
import { recordedOutput } from "./recorded-output.js";
import { ended } from "./verifiers.js";

const COUNT = 250;
/** What a count of records could take for their ends. */
const HARD = ['one "quote', "two\nlines", 'a "quoted\r\n" break', "\\", '"'];

const folder = mkdtempSync(join(tmpdir(), "auditql-export-"));
const out = join(folder, "entries");
const texts = Array.from({ length: COUNT }, (_, i) => `${HARD[i % HARD.length] ?? ""} ${i}`);
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
  await gateway.service.append({ log: "default", events: texts.map(message), sign: false, path: "events" });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

async function exported(query = "", more: Partial<ExportFlags> = {}, { url }: Pick<TestGateway, "url"> = gateway) {
  const recorded = recordedOutput();
  const flags: ExportFlags = { url: `${url}/graphql`, format: "ndjson", order: "oldest", ...more };
  const code = await exportEntries(query, flags, { token: undefined, output: recorded.output });
  return { code, out: recorded.written(), note: recorded.notes() };
}

const messagesIn = (ndjson: string) =>
  ndjson
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { event: { message: string } }).event.message);

/** A gateway whose downloads have other pages than its searches; the rest is honest. */
async function withPages(changed: (page: readonly TreeEntry[]) => readonly TreeEntry[]): Promise<TestGateway> {
  const { service } = gateway;
  const download: AuditService["download"] = async (request) => {
    const honest = await service.download(request);
    async function* pages(signal: AbortSignal) {
      for await (const page of honest.pages(signal)) yield changed(page);
    }
    return { ...honest, pages };
  };
  return testGateway(replaced(service, { download, close: () => Promise.resolve() }));
}

describe("auditql export", () => {
  test("writes every entry that a search finds, in its order, and says of how many", async () => {
    const all = await exported();
    expect([all.code, all.note]).toEqual([
      0,
      "exported 250 entries, all that were found among the first 250 of the log",
    ]);
    expect(messagesIn(all.out)).toEqual(texts);
    expect(messagesIn((await exported("", { order: "newest" })).out)).toEqual(texts.toReversed());
    expect(messagesIn((await exported("lines")).out)).toEqual(texts.filter((text) => text.includes("lines")));
    expect(await exported("", { until: "2000-01-01T00:00:00Z" })).toMatchObject({ code: 0, out: "" });
  });

  test("writes CSV, and knows its records, whatever is in their cells", async () => {
    const { code, note, out: csv } = await exported("", { format: "csv" });
    expect([code, note]).toEqual([0, expect.stringMatching(/^exported 250 entries/)]);
    const rows: readonly Readonly<Record<string, string>>[] = parse(csv, { bom: true, columns: true });
    expect(rows.map((row) => row["message"])).toEqual(texts);
    expect(await exported("nothing-like-this", { format: "csv" })).toMatchObject({
      code: 0,
      note: expect.stringMatching(/^exported 0 entries/) as unknown,
    });
  });

  test("gives a file its name when all of it is there, and nobody else may read it", async () => {
    expect(await exported("", { out })).toMatchObject({ code: 0, out: "" });
    expect([messagesIn(readFileSync(out, "utf8")), statSync(out).mode & 0o077]).toEqual([texts, 0]);
  });

  test.each(["ndjson", "csv"] as const)(
    "keeps the file that was there when %s breaks off, or has fewer",
    async (format) => {
      let pages = 0;
      const failing = await withPages((page) => {
        if (pages++ > 0) throw new Error("the disk is gone");
        return page;
      });
      const short = await withPages((page) => page.slice(1));
      for (const [{ url }, reason] of [
        // Of so short a file nothing may have been sent when it fails.
        [failing, /the download broke off|cannot be reached/],
        [short, /and the search found 250/],
      ] as const) {
        writeFileSync(out, "yesterday's");
        const { code, note } = await exported("", { out, format }, { url });
        expect([code, note]).toEqual([2, expect.stringMatching(/^cannot export: [^\n]*$/)]);
        expect(note).toMatch(reason);
        expect([readFileSync(out, "utf8"), existsSync(`${out}.part`)]).toEqual(["yesterday's", false]);
      }
      await failing.close();
      await short.close();
    },
  );

  test("exits 2 where nothing can be exported, and says why in one sentence", async () => {
    for (const [query, flags, reason] of [
      ["(open", {}, "query"],
      ["", { since: "yesterday" }, "window.start"],
      ["", { log: "nope" }, 'There is no log "nope"'],
      ["", { out: join(folder, "none", "entries") }, "ENOENT"],
      ["", { url: "http://127.0.0.1:1/graphql" }, "cannot be reached"],
    ] as const) {
      const { code, out: written, note } = await exported(query, flags);
      expect([code, written, note]).toEqual([2, "", expect.stringMatching(/^cannot export: [^\n]*$/)]);
      expect(note).toContain(reason);
    }
  });

  test("as a program", async () => {
    const { status, stdout } = await ended([process.execPath, MAIN, "export", "--url", `${gateway.url}/graphql`]);
    expect([status, messagesIn(stdout)]).toEqual([0, texts]);
  });
});
