import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IndexedStore } from "../../src/audit/search-index.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { KEYRING } from "../keyring.js";

/** The files that a request may enter on the gateway's own thread: lower them with every detour that goes. */
const MOST_FILES = { log: 45, search: 50 };
/** Some runs also see the index at work beside requests; the more runs, the less of that counts as part of each. */
const MOST_RUNS = 40;

/** The hops that docs/architecture.md names in the life of an entry. */
const [, walk = ""] = readFileSync(new URL("../../../docs/architecture.md", import.meta.url), "utf8").split(
  /^## The life of an entry$|^\*\*1\. /m,
);
const WALK = new Set([...walk.matchAll(/`([a-z/-]+\.ts)`/g)].map(([, file]) => file));

const LOG = 'mutation { log(event: { message: "m" }) { entry { leafIndex } root { treeSize } } }';
const VERDICTS = "hash { status } signature { status } membership { status } consistency { status }";
const SEARCH = `{ search(query: "m", first: 5) { edges { node { leafIndex event { message } } verification { ${VERDICTS} } } } }`;

let folder: string;
let store: IndexedStore;
let gateway: TestGateway;
const session = new Session();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "auditql-journey-"));
  store = indexed(await openStore(`sqlite:${join(folder, "log.db")}`), KEYRING);
  gateway = await testGateway(await openTestService({ store: store.log, index: store.index }));
  session.connect();
  await session.post("Profiler.enable");
});
afterAll(async () => {
  session.disconnect();
  await gateway.close();
  await store.index.close();
  await store.log.close();
  rmSync(folder, { recursive: true });
});

/** The files of src with a function that is called on every execution of an operation: not what runs beside it. */
async function filesEntered(operation: string, most: number): Promise<readonly string[]> {
  for (let warm = 0; warm < 3; warm++) await gateway.text(operation);
  let files = await filesEnteredOnce(operation);
  for (let run = 1; run < 5 || (run < MOST_RUNS && files.length > most); run++) {
    const entered = await filesEnteredOnce(operation);
    files = files.filter((file) => entered.includes(file));
  }
  return files;
}

async function filesEnteredOnce(operation: string): Promise<readonly string[]> {
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const { errors } = await gateway.text(operation);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  expect(errors).toBeUndefined();
  const entered = result.filter(({ functions }) =>
    functions.some(({ functionName, ranges }) => functionName !== "" && (ranges[0]?.count ?? 0) > 0),
  );
  // Modules that another test file left running in this process have the same URLs, but were loaded earlier.
  const loaded = Math.max(
    ...result.filter(({ url }) => url === import.meta.url).map(({ scriptId }) => Number(scriptId)),
  );
  const own = entered.filter(({ scriptId }) => Number(scriptId) > loaded);
  const files = new Set(own.flatMap(({ url }) => /\/build\/src\/(.+)\.js$/.exec(url)?.[1] ?? []));
  return [...files];
}

test.each([
  ["log", LOG],
  ["search", SEARCH],
] as const)("a %s enters no more files than its limit", async (name, operation) => {
  const files = await filesEntered(operation, MOST_FILES[name]);
  expect(files).toEqual(expect.arrayContaining(["graphql/compiled-execution", "engine/local-service"]));
  expect(files.length <= MOST_FILES[name] ? [] : [`${files.length} files`, ...files]).toEqual([]);
  if (name === "log") expect(files.map((file) => `${file}.ts`).filter((file) => !WALK.has(file))).toEqual([]);
});
