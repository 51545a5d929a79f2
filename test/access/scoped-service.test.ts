import { beforeAll, describe, expect, test } from "@jest/globals";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import type { AuditService, PageRequest, Receipt, ResultPage, SearchRequest } from "../../src/audit/service.js";
import { digestOf, type Digest } from "../../src/core/bytes.js";
import { VALID } from "../../src/core/verdict.js";
import { downloadedSearch } from "../audit/download-reading.js";
import { expectCode, rejection } from "../engine/rejection.js";
import { tailed } from "../engine/tail-reading.js";
import { openTestService } from "../engine/test-log.js";
import { ALL, CREDENTIALS, EVENTS, NAMES, scoped, type Name } from "./credentials.js";

let service: AuditService;
let logged: Receipt;

beforeAll(async () => {
  service = await openTestService();
  logged = await service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
});

/** Every way to an entry, as what it shows: the leaf indexes, sorted. */
const PATHS: Readonly<Record<string, (as: AuditService) => Promise<readonly number[]>>> = {
  "search for everything": (as) => found(as, { query: "" }),
  "search for what is everybody's": (as) => found(as, { query: "actor:alice OR actor:bob OR -tenant_id:x" }),
  "search for each tenant by name": (as) =>
    found(as, { query: "tenant_id=acme OR tenant_id=globex OR -tenant_id=acme" }),
  "search with a restriction on all": (as) => found(as, { query: "", restriction: { actor: ["alice", "bob"] } }),
  "search in a field's order": (as) => found(as, { query: "", order: { field: "actor", direction: "asc" } }),
  "search in a window": (as) => found(as, { query: "", window: { start: "2000-01-01T00:00:00Z" } }),
  "the count of a search": async (as) => {
    const { result } = await as.search({ log: "default", query: "" }, {});
    const { leafIndexes } = await as.search({ log: "default", query: "" }, {});
    expect(await result.totalCount()).toBe(leafIndexes.length);
    return leafIndexes;
  },
  "search, page by page": (as) => paged((page) => as.search({ log: "default", query: "" }, page)),
  "results, page by page": async (as) => {
    const { result } = await as.search({ log: "default", query: "" }, { first: 1 });
    return paged((page) => as.results(result.id, page));
  },
  "a download of everything": async (as) => shownOf(await downloadedSearch(as, { log: "default", query: "" })),
  "a download of every match, in a field's order": async (as) => {
    const order = { field: "actor", direction: "asc" } as const;
    return shownOf(await downloadedSearch(as, { log: "default", query: "alice OR bob", order }, true));
  },
  tail: async (as) => shownOf(await tailed(as, { log: "default", fromLeafIndex: 0 })),
  "tail with a query": async (as) =>
    shownOf(
      await tailed(as, { log: "default", query: "actor:alice OR actor:bob OR tenant_id:globex", fromLeafIndex: 0 }),
    ),
  "entries, all at once": async (as) => shownOf(await as.entries("default", ALL)),
  "entries, one by one": async (as) =>
    (await Promise.all(ALL.map((at) => as.entries("default", [at])))).flatMap(shownOf),
  "entries by hash": async (as) =>
    shownOf(await Promise.all(logged.entries.map(({ hash }) => as.entryByHash("default", hash)))),
  "membership proofs": async (as) =>
    provenOf(async (at) => {
      const proofs = await as.membershipProofs({ log: "default", treeSize: 6, leafIndexes: [at] });
      return proofs.map(({ leafIndex }) => leafIndex);
    }),
  "membership verdicts": async (as) =>
    provenOf(async (at) => {
      const wanted = { log: "default", treeSize: 6, leafIndexes: [at], hashes: [hashAt(at)] };
      expect(await as.membershipVerdicts(wanted)).toEqual([VALID]);
      return [at];
    }),
};

async function found(as: AuditService, request: Omit<SearchRequest, "log">): Promise<readonly number[]> {
  return (await as.search({ log: "default", ...request }, {})).leafIndexes;
}

async function paged(read: (page: PageRequest) => Promise<ResultPage>): Promise<readonly number[]> {
  const seen: number[] = [];
  let page = await read({ first: 1 });
  for (;;) {
    seen.push(...page.leafIndexes);
    if (!page.hasNextPage) return seen;
    page = await read({ first: 1, after: page.result.cursor(page.firstPosition) });
  }
}

function shownOf(outcomes: Awaited<ReturnType<AuditService["entries"]>>): readonly number[] {
  return outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry.leafIndex] : []));
}

/** All indexes that something is proven of, without those of which it is said that there is no such entry. */
async function provenOf(prove: (leafIndex: number) => Promise<readonly number[]>): Promise<readonly number[]> {
  const proven = await Promise.all(
    ALL.map((leafIndex) =>
      prove(leafIndex).catch((error: unknown) => {
        if (error instanceof AuditError && error.code === "NOT_FOUND") return [];
        throw error;
      }),
    ),
  );
  return proven.flat();
}

describe.each(Object.keys(PATHS))("%s", (path) => {
  test.each(NAMES)("shows a credential with %s what it may see and nothing else", async (name) => {
    const { sees } = CREDENTIALS[name];
    const shown = PATHS[path]?.(scoped(name, service)) ?? Promise.reject(new Error("no such path"));
    if (typeof sees === "string") await expectCode(shown, sees);
    else expect([...(await shown)].sort()).toEqual(sees);
  });
});

describe("a credential's own result", () => {
  const bounds = (name: Name) => {
    const { principal } = CREDENTIALS[name];
    return JSON.stringify([principal.tenant, principal.restriction]);
  };
  const readers = NAMES.filter((name) => typeof CREDENTIALS[name].sees !== "string");
  const pairs = readers.flatMap((maker) => readers.map((user) => [maker, user] as const));

  test.each(pairs)("of %s is for %s only when both are limited alike", async (maker, user) => {
    const { result } = await scoped(maker, service).search({ log: "default", query: "" }, { first: 1 });
    const byId = scoped(user, service).results(result.id, {});
    const byCursor = scoped(user, service).search({ log: "default", query: "" }, { after: result.cursor(0) });
    if (bounds(maker) === bounds(user)) await Promise.all([byId, byCursor]);
    else await Promise.all([expectCode(byId, "BAD_USER_INPUT"), expectCode(byCursor, "BAD_USER_INPUT")]);
  });
});

describe("what a credential may not see", () => {
  test("is answered like an index that the log does not have", async () => {
    const [hidden, absent] = await scoped("acme", service).entries("default", [2, 99]);
    expect(hidden).toEqual(absent);
  });

  test("is answered like a hash that nobody logged", async () => {
    const unknown = digestOf(new Uint8Array(32).fill(1));
    const hidden = await scoped("acme", service).entryByHash("default", hashAt(2));
    expect(hidden).toEqual(await scoped("acme", service).entryByHash("default", unknown));
  });

  test("is not proven beside what it may see", async () => {
    const proofs = scoped("acme", service).membershipProofs({ log: "default", treeSize: 6, leafIndexes: [0, 2, 1] });
    const none = { code: "NOT_FOUND", message: "The log default has no entry at leaf index 2." };
    expect(await rejection(proofs)).toMatchObject(none);
    const guess = { log: "default", treeSize: 6, leafIndexes: [0, 2], hashes: [hashAt(0), hashAt(2)] };
    expect(await rejection(scoped("acme", service).membershipVerdicts(guess))).toMatchObject(none);
  });
});

function hashAt(leafIndex: number): Digest {
  const entry = logged.entries[leafIndex];
  if (entry === undefined) throw new Error(`no entry ${leafIndex}`);
  return entry.hash;
}

describe("an entry whose stored bytes were changed", () => {
  const corrupting = (): AuditService => {
    const corrupt = { kind: "corrupt", leafIndex: 0 } as const;
    return Object.assign(Object.create(service) as AuditService, {
      entries: (_: string, leafIndexes: readonly number[]) => Promise.resolve(leafIndexes.map(() => corrupt)),
      entryByHash: () => Promise.resolve(corrupt),
    });
  };

  test.each(["read only", "admin"] as const)("is reported to a credential with %s", async (name) => {
    const as = scoped(name, corrupting());
    expect(await as.entries("default", [0])).toEqual([{ kind: "corrupt", leafIndex: 0 }]);
    expect(await as.entryByHash("default", hashAt(0))).toEqual({ kind: "corrupt", leafIndex: 0 });
  });

  test.each(["acme", "globex", "alice's entries"] as const)(
    "is missing for %s, for its bytes cannot be trusted to say whose it is",
    async (name) => {
      const as = scoped(name, corrupting());
      expect(await as.entries("default", [0])).toEqual([{ kind: "missing" }]);
      expect(await as.entryByHash("default", hashAt(0))).toEqual({ kind: "missing" });
      expect(await PATHS["membership proofs"]?.(as)).not.toContain(0);
    },
  );
});

test("a page that comes with entries shows the visible ones of them alone", async () => {
  const whole = replaced(service, {
    search: async (...asked) => {
      const page = await service.search(...asked);
      return { ...page, entries: await service.entries("default", page.leafIndexes) };
    },
  });
  for (const name of ["acme", "admin"] as const) {
    const { leafIndexes } = await service.search({ log: "default", query: "" }, {});
    const { entries = [] } = await scoped(name, whole).search({ log: "default", query: "" }, {});
    expect(entries).toHaveLength(name === "admin" ? ALL.length : 2);
    expect(shownOf(entries)).toEqual(leafIndexes.filter((at) => name === "admin" || at < 2));
  }
});

test("a proof is given to who sees everything even where the entry's text was changed, and nobody else's entries are read twice", async () => {
  const reads: (readonly number[])[] = [];
  const counted = replaced(service, {
    entries: (log, leafIndexes) => {
      reads.push(leafIndexes);
      return service.entries(log, leafIndexes);
    },
  });
  const proof = { log: "default", treeSize: 6, leafIndexes: [0, 1] };
  expect(await scoped("admin", counted).membershipProofs(proof)).toHaveLength(2);
  expect(reads).toEqual([]);
  const acme = scoped("acme", counted);
  await acme.entries("default", [0]);
  expect(await acme.membershipProofs(proof)).toHaveLength(2);
  expect(reads).toEqual([[0], [1]]);
});

test("a proof of completeness, and records of the index, are for who sees everything", async () => {
  const page = await service.search({ log: "default", query: "" }, {});
  for (const name of NAMES.filter((name) => typeof CREDENTIALS[name].sees !== "string")) {
    const proof = scoped(name, service).completeness({ of: "page", page });
    if (CREDENTIALS[name].sees.length === ALL.length) expect((await proof).proof.length).toBeGreaterThan(0);
    else await expectCode(proof, "PROOF_NOT_PERMITTED");
    const records = scoped(name, service).indexRecords({
      root: await service.indexRoot("default", 6),
      from: 0,
      count: 1,
    });
    if (CREDENTIALS[name].sees.length === ALL.length) expect(await records).toEqual({ from: 0, texts: [], path: [] });
    else await expectCode(records, "PROOF_NOT_PERMITTED");
  }
});

/** What concerns the whole log: hashes, sizes and keys, never an entry. */
const WHOLE: Readonly<Record<string, (as: AuditService) => Promise<unknown>>> = {
  "the newest root": (as) => as.root("default"),
  "an earlier root": (as) => as.root("default", 3),
  "a consistency proof": (as) => as.consistencyProof({ log: "default", fromSize: 3, toSize: 6 }),
  "the root of the index log": (as) => as.indexRoot("default", 3),
  "a root's consistency": (as) => as.consistency("default", 3),
};

/** What anybody needs to check what the log answered; a writer checks its receipt with it. */
const FOR_CHECKING: Readonly<Record<string, (as: AuditService) => Promise<unknown>>> = {
  "the log's format and key": (as) => as.identity("default"),
  "a checkpoint's verdict": (as) => as.checkpointVerdict(logged.root),
};

describe.each(Object.entries({ ...WHOLE, ...FOR_CHECKING }))("%s", (path, read) => {
  test.each(NAMES)("is the same for every credential that may have it: %s", async (name) => {
    const { sees, principal } = CREDENTIALS[name];
    const writerToo = path in FOR_CHECKING && principal.scopes.has("audit:log") && sees === "FORBIDDEN";
    const answer = read(scoped(name, service));
    if (typeof sees === "string" && !writerToo) await expectCode(answer, sees);
    else expect(JSON.stringify(await answer)).toBe(JSON.stringify(await read(service)));
  });
});

/** One call of every method: the compiler asks for a new one here when the port grows. */
const EVERY_METHOD: {
  readonly [method in Exclude<keyof AuditService, "close">]: (as: AuditService) => Promise<unknown>;
} = {
  identity: (as) => as.identity("default"),
  append: (as) => as.append({ log: "default", events: [], sign: false, path: "events" }),
  appendLater: (as) => as.appendLater({ log: "default", events: [], sign: false, path: "events" }),
  bulkRequest: (as) => as.bulkRequest(""),
  search: (as) => as.search({ log: "default", query: "" }, {}),
  results: (as) => as.results("", {}),
  download: (as) => as.download({ id: "", everyMatch: false }),
  tail: (as) => as.tail({ log: "default" }, { signal: AbortSignal.abort() }),
  root: (as) => as.root("default"),
  entries: (as) => as.entries("default", []),
  entryByHash: (as) => as.entryByHash("default", hashAt(0)),
  membershipProofs: (as) => as.membershipProofs({ log: "default", treeSize: 1, leafIndexes: [] }),
  membershipVerdicts: (as) => as.membershipVerdicts({ log: "default", treeSize: 1, leafIndexes: [], hashes: [] }),
  consistencyProof: (as) => as.consistencyProof({ log: "default", fromSize: 1, toSize: 2 }),
  consistency: (as) => as.consistency("default", 1),
  checkpointVerdict: (as) => as.checkpointVerdict(logged.root),
  indexRoot: (as) => as.indexRoot("default", 1),
  indexRecords: async (as) => as.indexRecords({ root: await service.indexRoot("default", 1), from: 0, count: 1 }),
  completeness: async (as) => {
    const page = await service.search({ log: "default", query: "" }, {});
    return as.completeness({ of: "page", page });
  },
};

test.each(Object.entries(EVERY_METHOD))("%s does nothing for a credential without a scope", async (method, call) => {
  const untouched = new Proxy(service, {
    get(_, name) {
      throw new Error(`${String(name)} was called`);
    },
  });
  await expectCode(call(scoped("no scope", untouched)), "FORBIDDEN");
  await expectCode(call(scoped("expired", untouched)), "UNAUTHENTICATED");
  expect(method in service).toBe(true);
});

test("closing a view leaves the service open", async () => {
  await scoped("admin", service).close();
  expect((await service.root("default")).treeSize).toBe(6);
});
