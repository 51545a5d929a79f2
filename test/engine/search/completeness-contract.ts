import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AuditService, PageRequest, ResultPage, SearchRequest, SignedEvent } from "../../../src/audit/service.js";
import { openCheckpoint, parseVerifierKey } from "../../../src/core/checkpoint.js";
import type { Answer } from "../../../src/core/segment/answer.js";
import { openIndexCheckpoint } from "../../../src/core/segment/index-log.js";
import { questionText, readQuestion } from "../../../src/core/segment/question.js";
import { verifyAnswer, type Completeness, type SignedRoot } from "../../../src/core/segment/verify-answer.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import type { LocalServiceOptions } from "../../../src/engine/local-service.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import type { OpenedStore } from "../../../src/audit/search-index.js";
import { rejection } from "../rejection.js";
import { openTestService } from "../test-log.js";
import { BUILD_MS } from "./segment-indexes.js";

export const LOG = "default";

/** Entries of which a third failed, a few are rare, and which are of four tenants. */
export function eventAt(leaf: number): SignedEvent {
  return {
    event: {
      message: `user${leaf % 7} logged ${leaf % 2 === 0 ? "in" : "out"}${leaf % 500 === 3 ? " rarely" : ""}`,
      actor: `user${leaf % 50}@example.com`,
      action: leaf % 5 === 0 ? "export" : "login",
      status: leaf % 3 === 0 ? "failed" : "ok",
      ...(leaf % 11 === 0 ? { target: `/api/${leaf % 31}` } : {}),
      tenant_id: `tenant${leaf % 4}`,
    },
  };
}

/** Grows a log to `size` entries. */
export async function growTo(service: AuditService, size: number): Promise<void> {
  for (let next = (await service.root(LOG)).treeSize; next < size; next += 1_000) {
    const events = Array.from({ length: Math.min(1_000, size - next) }, (_, place) => eventAt(next + place));
    await service.append({ log: LOG, events, sign: false, path: "events" });
  }
}

/** Verifies a page, or the count of its result, with what a client has: texts, two checkpoints and the log's key. */
export async function checked(service: AuditService, page: ResultPage, of: "page" | "totalCount" = "page") {
  const { proof, question, index } = await service.completeness({ page, of });
  const root = await service.root(LOG, page.result.treeSize);
  const { format, verifierKey } = await service.identity(LOG);
  const key = parseVerifierKey(verifierKey, nodeEd25519());
  const read = readQuestion(questionText(question), format.name);
  if (key === undefined || read === undefined) throw new Error("neither key nor question may be wrong");
  const roots = {
    log: signed(openCheckpoint(root.checkpoint, key)),
    index: signed(openIndexCheckpoint(index.checkpoint, key, nodeEd25519())),
    ...{ format, sha256: nodeSha256 },
  };
  const verify = (answer: Answer): Completeness => verifyAnswer(roots, read, { answer, proof });
  return { question: read, proof, verify, roots };
}

function signed(opened: ReturnType<typeof openCheckpoint>): SignedRoot {
  if (opened.kind === "opened") return opened;
  throw new Error(`a checkpoint is ${opened.reason}`);
}

const COMPLETE: Completeness = { kind: "COMPLETE" };
const WRONG: Completeness = { kind: "REFUSED", reason: "ANSWER_MISMATCH" };

/** That a page's entries are exactly what its question has, in its order. */
export async function expectComplete(service: AuditService, page: ResultPage): Promise<void> {
  const { verify, question } = await checked(service, page);
  const isReversed = page.size?.isFromEnd === true;
  const leaves = isReversed ? [...page.leafIndexes].reverse() : page.leafIndexes;
  expect({ question, verdict: verify({ kind: "page", leaves }) }).toEqual({ question, verdict: COMPLETE });
}

export async function expectCounted(service: AuditService, page: ResultPage, isExact = true): Promise<void> {
  const { verify } = await checked(service, page, "totalCount");
  expect(verify({ kind: "count", count: await page.result.totalCount(), isExact })).toEqual(COMPLETE);
}

/** A gateway over a store, and its index. */
export interface TestGateway {
  readonly service: AuditService;
  readonly index: SegmentIndex;
  close(): Promise<void>;
}

export async function gatewayOver(
  opened: OpenedStore,
  cacheBytes?: number,
  more: Partial<LocalServiceOptions> = {},
): Promise<TestGateway> {
  const { log, blocks, isShared } = opened;
  const index = new SegmentIndex({ log, blocks, isShared, ...(cacheBytes !== undefined && { cacheBytes }) });
  const service = await openTestService({ store: log, index, sharedStore: isShared, ...more });
  const close = async (): Promise<void> => {
    await service.close();
    await index.close();
    await log.close();
  };
  return { service, index, close };
}

const SIZE = 4_096 + 3 * 256 + 77;

/** `open` opens the stores of gateways over one log without entries. */
export function completenessContract(name: string, open: () => Promise<readonly OpenedStore[]>): void {
  describe(`completeness over ${name}`, () => {
    let gateways: readonly TestGateway[] = [];
    let service: AuditService;
    let asked = 0;
    /** Another gateway each time. */
    const any = (): AuditService => gateways[asked++ % gateways.length]?.service ?? service;
    const search = (query: string, page: PageRequest = {}, more: Partial<SearchRequest> = {}): Promise<ResultPage> =>
      any().search({ log: LOG, query, ...more }, page);

    beforeAll(async () => {
      const made: TestGateway[] = [];
      for (const store of await open()) made.push(await gatewayOver(store));
      gateways = made;
      service = any();
      await expectComplete(service, await search("logged"));
      await growTo(service, SIZE);
    }, BUILD_MS);
    afterAll(() => Promise.all(gateways.map((gateway) => gateway.close())));

    test.each([
      "",
      "rarely",
      "nowhere",
      "status:failed",
      'actor="user7@example.com"',
      "NOT login",
      '"logged in"',
      "use*",
    ])(
      "proves every page of %p, forwards and backwards, and the count",
      async (query) => {
        for (const direction of ["asc", "desc"] as const) {
          const more = { order: { field: "received_at", direction } } as const;
          const first = await search(query, { first: 7 }, more);
          await expectComplete(any(), first);
          await expectCounted(any(), first);
          const cursor = (page: ResultPage): string =>
            page.result.cursor(page.firstPosition + page.leafIndexes.length - 1);
          if (first.leafIndexes.length > 0) {
            const next = await search(query, { first: 7, after: cursor(first) }, more);
            await expectComplete(any(), next);
            await expectComplete(any(), await search(query, { last: 5, before: cursor(next) }, more));
          }
          const last = await search(query, { last: 9 }, more);
          await expectComplete(any(), last);
          if (last.leafIndexes.length > 1) {
            const tail = await search(query, { first: 1_000, after: last.result.cursor(last.firstPosition) }, more);
            expect(tail.hasNextPage).toBe(false);
            await expectComplete(any(), tail);
          }
        }
      },
      BUILD_MS,
    );

    test("proves windows of time, restrictions, and results that are cut", async () => {
      const [at] = await service.entries(LOG, [1_000]);
      if (at?.kind !== "entry") throw new Error("no entry");
      const start = at.entry.envelope.received_at;
      for (const window of [
        { start },
        { end: start },
        { start, end: start },
        { last: "1h" },
        { end: "2001-01-01T00:00:00Z" },
      ])
        for (const query of ["", "rarely"]) await expectComplete(any(), await search(query, {}, { window }));
      const ofTime = { window: { last: "1h", of: "timestamp" } } as const;
      await expectComplete(any(), await search("", {}, ofTime));
      const restriction = { tenant_id: ["tenant1", "tenant2"] };
      await expectComplete(any(), await search("rarely", {}, { restriction }));
      const cut = await search("logged", { first: 10 }, { maxResults: 8 });
      expect(cut.leafIndexes.length).toBe(8);
      await expectComplete(any(), cut);
      await expectCounted(any(), cut, false);
      await expectComplete(any(), await search("logged", { last: 3 }, { maxResults: 8 }));
      await expectCounted(any(), await search("logged", {}, { order: { field: "actor", direction: "asc" } }));
    });

    test("proves what a result is pinned to while the log grows", async () => {
      const pinned = await search("rarely", { first: 3 });
      const { treeSize } = pinned.result;
      await growTo(service, treeSize + 300);
      await expectComplete(any(), pinned);
      await expectCounted(any(), pinned);
      const next = await any().results(pinned.result.id, { first: 100, after: pinned.result.cursor(2) });
      expect(next.result.treeSize).toBe(treeSize);
      await expectComplete(any(), next);
    });

    test("has an index root of each size, the same from every gateway", async () => {
      for (const size of [0, 255, 256, 4_096, 4_351, 4_352, 4_353, SIZE]) {
        const roots = await Promise.all(gateways.map((gateway) => gateway.service.indexRoot(LOG, size)));
        expect(roots.map(({ treeSize }) => treeSize)).toEqual(roots.map(() => Math.floor(size / 256)));
        expect(new Set(roots.map(({ hash }) => hash)).size).toBe(1);
      }
      expect((await rejection(service.indexRoot(LOG, 1_000_000))).code).toBe("NOT_FOUND");
    });

    test("refuses a page in the order of a field", async () => {
      const page = await search("logged", {}, { order: { field: "actor", direction: "asc" } });
      const error = await rejection(service.completeness({ of: "page", page }));
      expect([error.code, error.problems.map(({ path }) => path)]).toEqual(["BAD_USER_INPUT", ["orderBy.field"]]);
    });

    test("proves nothing about an answer that leaves an entry out, adds one, or puts them in another order", async () => {
      const page = await search("logged", { first: 5 });
      const { verify } = await checked(any(), page);
      const [first = 0, second = 0, ...rest] = page.leafIndexes;
      for (const leaves of [[first, ...rest], [first, second, ...rest, 0], [second, first, ...rest], []])
        expect(verify({ kind: "page", leaves })).not.toEqual(COMPLETE);
      expect((await checked(any(), page, "totalCount")).verify({ kind: "count", count: 1, isExact: true })).toEqual(
        WRONG,
      );
    });

    test(
      "proves what searches find, whatever they ask",
      async () => {
        const word = fc.constantFrom(
          "logged",
          "in",
          "out",
          "rarely",
          "user3",
          "us*",
          "status:failed",
          "nowhere",
          "NOT export",
        );
        const query = fc
          .array(fc.tuple(word, fc.constantFrom(" AND ", " OR ")), { minLength: 1, maxLength: 4 })
          .map((parts) =>
            parts
              .map(([part, joint], place) => (place === 0 ? part : `${joint}(${part})`))
              .reduce((a, b) => `(${a})${b}`),
          );
        const page = fc.oneof(
          fc.record({ first: fc.integer({ min: 1, max: 60 }) }),
          fc.record({ last: fc.integer({ min: 1, max: 60 }) }),
          fc.constant({ first: 1_000 }),
        );
        const direction = fc.constantFrom("asc" as const, "desc" as const);
        await fc.assert(
          fc.asyncProperty(query, page, direction, async (text, size, order) => {
            const found = await search(text, size, { order: { field: "received_at", direction: order } });
            await expectComplete(any(), found);
            await expectCounted(any(), found);
          }),
          { numRuns: 40, seed: 20_261_129 },
        );
      },
      BUILD_MS,
    );
  });
}
