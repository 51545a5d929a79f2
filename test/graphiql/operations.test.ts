import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { buildSchema, parse, validate, visit } from "graphql";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const schema = buildSchema(readFileSync(`${root}schema.graphql`, "utf8"), { assumeValidSDL: true });
const operations = readdirSync(`${root}graphiql/operations`);

/** The editor of a 1,280 pixel wide window shows this much of a line. */
const VISIBLE_COLUMNS = 46;

describe("GraphiQL's example operations", () => {
  test.each(operations)("%s fits the schema", (file) => {
    const document = parse(readFileSync(`${root}graphiql/operations/${file}`, "utf8"));
    expect(validate(schema, document)).toEqual([]);
  });

  test.each(operations)("%s has no comment that the editor cuts off", (file) => {
    const lines = readFileSync(`${root}graphiql/operations/${file}`, "utf8").split("\n");
    expect(lines.filter((line) => line.includes("#") && line.length > VISIBLE_COLUMNS)).toEqual([]);
  });
});

interface Example {
  readonly query: string;
  readonly variables: string;
}

describe("GraphiQL's example tabs", () => {
  const folder = mkdtempSync(join(tmpdir(), "auditql-tabs-"));
  let gateway: TestGateway;
  let tabs: readonly Example[] = [];
  beforeAll(async () => {
    const outfile = join(folder, "tabs.mjs");
    const entryPoints = [`${root}graphiql/example-tabs.ts`];
    await build({
      entryPoints,
      outfile,
      bundle: true,
      format: "esm",
      loader: { ".graphql": "text" },
      logLevel: "silent",
    });
    tabs = ((await import(pathToFileURL(outfile).href)) as { readonly exampleTabs: readonly Example[] }).exampleTabs;
    gateway = await testGateway(await openTestService());
  });
  afterAll(async () => {
    await gateway.close();
    rmSync(folder, { recursive: true });
  });

  const nameOf = ({ query }: Example): string => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1] ?? "";

  test("have an example of every operation of the API", () => {
    const shown = new Set<string>();
    for (const { query } of tabs)
      visit(parse(query), {
        OperationDefinition({ selectionSet }) {
          for (const field of selectionSet.selections) if ("name" in field) shown.add(field.name.value);
        },
      });
    const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const operations = types
      .flatMap((type) => Object.keys(type?.getFields() ?? {}))
      .filter((name) => !name.startsWith("_"));
    expect(operations.length).toBeGreaterThan(10);
    expect(operations.filter((name) => !shown.has(name))).toEqual([]);
  });

  test("run one after the other as they stand, with what one says to copy from another", async () => {
    const results = new Map<string, Readonly<Record<string, unknown>>>();
    /** "the id of OneEntry" is the first member of that name in what OneEntry returned. */
    const filledIn = (variables: string): string =>
      variables.replaceAll(/"the (\w+) of (\w+)"/g, (_words, member: string, tab: string) => {
        const [, value] = new RegExp(`"${member}":("[^"]+")`).exec(JSON.stringify(results.get(tab))) ?? [];
        if (value === undefined) throw new Error(`${tab} returned no ${member}`);
        return value;
      });
    for (const tab of tabs.filter(({ query }) => !/^subscription /m.test(query))) {
      const { data, errors } = await gateway.text(tab.query, JSON.parse(filledIn(tab.variables)) as object);
      expect([nameOf(tab), errors]).toEqual([nameOf(tab), undefined]);
      results.set(nameOf(tab), data ?? {});
    }
    expect(JSON.stringify(results.get("LogSeveral"))).toMatch(/"refused":\[\{"index":2/);
    expect(JSON.stringify(results.get("FindBurst"))).toMatch(/"leafIndex":\d+/);
    expect(JSON.stringify(results.get("ById"))).toContain('"__typename":"AuditEntry"');
    expect(JSON.stringify(results.get("DownloadResult"))).toMatch(/"url":".+"/);
  });
});
