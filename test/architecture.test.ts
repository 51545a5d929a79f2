import { describe, expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { forbiddenImports, importCycles } from "./architecture/import-rules.js";
import { parseSourceFile, readSourceTree, readViewer } from "./architecture/source-tree.js";

const folder = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const source = [...readSourceTree(folder("src")), ...readViewer(folder("viewer"))];

const MAX_LINES = 300;
const STRANGERS = /(^|[-.])(utils?|helpers?|types|common|misc)$/;

describe("the source tree", () => {
  test("is found by this test", () => {
    expect(source.map((file) => file.path)).toEqual(expect.arrayContaining(["core/bytes.ts", "viewer/app.ts"]));
  });

  test("imports only along the arrows of the import table", () => {
    expect(forbiddenImports(source)).toEqual([]);
  });

  test.each(["prom-client", "@opentelemetry/api"])("knows %s where it measures, and at the HTTP door", (name) => {
    const users = source.filter(({ imports }) => imports.some(({ specifier }) => specifier === name));
    expect(users.map(({ path }) => path).filter((path) => !/^(operations|http)\//.test(path))).toEqual([]);
  });

  test("knows its web framework at the HTTP door alone", () => {
    const users = source.filter(({ imports }) => imports.some(({ specifier }) => /^@?fastify(\/|$)/.test(specifier)));
    expect(users.length).toBeGreaterThan(0);
    expect(users.map(({ path }) => path).filter((path) => !path.startsWith("http/"))).toEqual([]);
  });

  test("has no cycle of imports, not even of types", () => {
    expect(importCycles(source)).toEqual([]);
  });

  test("has no cycle in the viewer, where a part that is loaded later would hold the one that loads it", () => {
    const viewer = source.filter(({ path }) => path.startsWith("viewer/"));
    expect(importCycles(viewer, "all")).toEqual([]);
  });

  test(`has no file of more than ${MAX_LINES} lines`, () => {
    expect(source.filter((file) => file.lineCount > MAX_LINES && !isGenerated(file.path))).toEqual([]);
  });

  test("has no file or folder that gathers strangers", () => {
    expect(source.map((file) => file.path).filter((path) => !isGenerated(path) && gathersStrangers(path))).toEqual([]);
  });
});

describe("the import table", () => {
  const forbidden: readonly (readonly [file: string, text: string])[] = [
    ["core/tree.ts", `import { createHash } from "node:crypto";`],
    ["core/tree.ts", `import type { Query } from "../query/filter.js";`],
    ["core/tree.ts", `export { log } from "../audit/service.js";`],
    ["core/tree.ts", `type Port = import("../audit/store.js").LogStore;`],
    ["query/parser.ts", `import { readFileSync } from "node:fs";`],
    ["audit/proofs.ts", `import { open } from "../stores/index.js";`],
    ["audit/store.ts", `import { Keyring } from "../keys/keyring.js";`],
    ["keys/log-key.ts", `import { OpenLog } from "../engine/log/open-log.js";`],
    ["engine/tree/prover.ts", `import type { OpenLog } from "../log/open-log.js";`],
    ["stores/memory/store.ts", `import { entryOf } from "../../engine/tree/leaf.js";`],
    ["caches/redis/cache.ts", `import { entryOf } from "../../engine/tree/leaf.js";`],
    ["downloads/file.ts", `import { entryOf } from "../engine/tree/leaf.js";`],
    ["graphql/log.ts", `import { LocalService } from "../engine/local-service.js";`],
    ["http/server.ts", `import { LocalService } from "../engine/local-service.js";`],
    ["stores/sqlite/store.ts", `import { MemoryStore } from "../memory/store.js";`],
    ["stores/sqlite/store.ts", `const worker = new Worker(new URL("../memory/worker.js", import.meta.url));`],
    ["stores/index.ts", `import { SqliteStore } from "./sqlite/store.js";`],
    ["graphql/log.ts", `const store = await import("../stores/sqlite/store.js");`],
    ["access/api-key.ts", `import { Loaders } from "../graphql/loaders.js";`],
    ["graphql/log.ts", `import { authenticate } from "../access/authenticate.js";`],
    ["settings/table.ts", `import { STREAM_LIMITS } from "../http/open-streams.js";`],
    ["settings/table.ts", `import { QUEUE_LIMITS } from "../engine/log/queue.js";`],
    ["http/server.ts", `import type { Settings } from "../settings/read.js";`],
    ["index.ts", `export { OpenLog } from "./engine/log/open-log.js";`],
    ["verify.ts", `export { openStore } from "./stores/index.js";`],
    ["verify.ts", `export { createHash } from "node:crypto";`],
    ["http/server.ts", `import { RedisCache } from "../caches/redis/cache.js";`],
    ["cli/verify-entry.ts", `import { parse } from "../query/parser.js";`],
    ["viewer/page.ts", `import { readFileSync } from "node:fs";`],
    ["viewer/restriction.ts", `import { openStore } from "../stores/index.js";`],
    ["viewer/trust.ts", `import { parse } from "../query/parser.js";`],
    ["somewhere/else.ts", ``],
  ];

  test.each(forbidden)("refuses %s with %s", (file, text) => {
    expect(forbiddenImports([parseSourceFile(file, text)])).toHaveLength(1);
  });

  test("names the file, the import and the ring in a refusal", () => {
    expect(forbiddenImports([parseSourceFile("core/tree.ts", `import "../audit/store.js";`)])).toEqual([
      "core/tree.ts imports ../audit/store.js: not for core",
    ]);
  });

  test("lets a family's entry load its engines lazily", () => {
    expect(forbiddenImports([parseSourceFile("stores/index.ts", `await import("./sqlite/store.js");`)])).toEqual([]);
  });

  test("reports a cycle through three files once", () => {
    const files = ["a", "b", "c"].map((name, at, all) =>
      parseSourceFile(`core/${name}.ts`, `import "./${all[(at + 1) % 3] ?? ""}.js";`),
    );
    expect(importCycles(files)).toEqual(["core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts"]);
  });
});

function isGenerated(path: string): boolean {
  return path.startsWith("generated/");
}

function gathersStrangers(path: string): boolean {
  return path
    .replace(/\.ts$/, "")
    .split("/")
    .some((part) => STRANGERS.test(part));
}
