import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { timeText } from "../../../src/audit/clock.js";
import { AuditError } from "../../../src/audit/errors.js";
import type { IndexedStore } from "../../../src/audit/search-index.js";
import type { Asking, PageRequest, ResultPage, SearchRequest } from "../../../src/audit/service.js";
import { utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import type { Restriction } from "../../../src/query/filter.js";
import { PinnedSearches } from "../../../src/engine/search/pinned-searches.js";
import { TokenSealer } from "../../../src/keys/sealed-token.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { emptyHead, batch } from "../../stores/batches.js";
import { KEYRING } from "../../keyring.js";

const NOW = Date.UTC(2026, 0, 2) * 1000;
const HOUR_MS = 3_600_000;
const format = logFormat("rfc6962");

/** A log of events whose actor says whether they are even, logged one a second, and searches over it. */
class Bench {
  readonly store: IndexedStore = indexed(openMemory(), KEYRING);
  now = NOW;
  #size = 0;

  static async open(size: number): Promise<Bench> {
    const bench = new Bench();
    await bench.store.log.createLog(emptyHead("default"));
    await bench.grow(size);
    return bench;
  }

  async grow(count: number): Promise<void> {
    if (count === 0) return;
    const entries = Array.from({ length: count }, (_, i) => this.#entry(this.#size + i));
    await this.store.log.append(batch("default", this.#size, entries));
    this.#size += count;
  }

  searches(secret = 1, index = this.store.index): PinnedSearches {
    return new PinnedSearches({
      customFields: () => [],
      firstAtOrAfter: (log, times, size) =>
        Promise.all(times.map((time) => this.store.log.firstAtOrAfter(log, time, size))),
      receivedAt: () => Promise.reject(new Error("nothing is counted here")),
      alarm: () => undefined,
      index,
      sealer: new TokenSealer(new Uint8Array(32).fill(secret)),
      clock: () => this.now,
      ttlMs: HOUR_MS,
    });
  }

  search(request: Partial<SearchRequest>, page: PageRequest = {}, { bound, signal }: Asking = {}): Promise<ResultPage> {
    const at = { newestSize: this.#size, bound, signal };
    return this.searches().search({ log: "default", query: "", ...request }, page, at);
  }

  #entry(leafIndex: number) {
    const receivedAt = timeText(NOW + leafIndex * 1_000_000);
    const happenedAt = timeText(NOW + (leafIndex + 10) * 1_000_000);
    const event = { message: `event ${leafIndex}`, actor: leafIndex % 2 === 0 ? "even" : "odd", timestamp: happenedAt };
    const canonical = format.canonicalText({ event, received_at: receivedAt });
    return { canonical, leafHash: format.leafHash(utf8(canonical)), receivedAt };
  }
}

async function problemsOf(
  attempt: Promise<unknown>,
): Promise<readonly { path: string; expected: string; got: string }[]> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AuditError)) throw new Error(`expected an AuditError, got ${String(error)}`);
  expect(error.code).toBe("BAD_USER_INPUT");
  return error.problems;
}

const ascending = { field: "received_at", direction: "asc" } as const;

describe("a pinned search", () => {
  it("gives the same result page by page in both directions, whatever is logged meanwhile", async () => {
    const story = fc.record({
      size: fc.nat(40),
      step: fc.integer({ min: 1, max: 9 }),
      more: fc.nat(5),
      byId: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(story, async ({ size, step, more, byId }) => {
        const bench = await Bench.open(size);
        const request: Partial<SearchRequest> = { query: "actor:even", order: ascending };
        const expected = Array.from({ length: size }, (_, i) => i).filter((i) => i % 2 === 0);
        const forward: number[] = [];
        let page = await bench.search(request, { first: step });
        const turn = async (next: PageRequest) => {
          await bench.grow(more);
          return byId ? bench.searches(1).results(page.result.id, next) : bench.search(request, next);
        };
        for (;;) {
          forward.push(...page.leafIndexes);
          if (!page.hasNextPage) break;
          page = await turn({
            first: step,
            after: page.result.cursor(page.firstPosition + page.leafIndexes.length - 1),
          });
        }
        expect(forward).toEqual(expected);
        expect(await page.result.totalCount()).toBe(expected.length);
        const backward: number[] = [];
        page = await bench.searches().results(page.result.id, { last: step });
        for (;;) {
          backward.unshift(...page.leafIndexes);
          if (!page.hasPreviousPage || page.leafIndexes.length === 0) break;
          page = await turn({ last: step, before: page.result.cursor(page.firstPosition) });
        }
        expect(backward).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it("never shows or counts more than maxResults", async () => {
    const bench = await Bench.open(30);
    const page = await bench.search({ maxResults: 7 }, { first: 20 });
    expect(page.leafIndexes).toEqual([29, 28, 27, 26, 25, 24, 23]);
    expect(page.hasNextPage).toBe(false);
    expect([await page.result.totalCount(), await page.result.isTruncated()]).toEqual([7, true]);
    expect(await (await bench.search({ maxResults: 30 })).result.isTruncated()).toBe(false);
    expect((await bench.search({ maxResults: 7 }, { last: 2 })).leafIndexes).toEqual([24, 23]);
    expect((await bench.search({ maxResults: 7 }, { first: 5, offset: 6 })).leafIndexes).toEqual([23]);
  });

  it("goes to its last match where no maxResults is set", async () => {
    const bench = await Bench.open(10_021);
    const page = await bench.search({}, { first: 20, offset: 10_000 });
    expect(page.leafIndexes).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
    expect(page.hasNextPage).toBe(true);
    expect(await page.result.totalCount()).toBe(10_021);
    expect(await page.result.isTruncated()).toBe(false);
  });

  it("fixes a relative window when it is made", async () => {
    const bench = await Bench.open(100);
    bench.now = NOW + 60 * 1_000_000;
    const page = await bench.search({ window: { last: "10s" }, order: ascending }, { first: 3 });
    expect(page.leafIndexes).toEqual([50, 51, 52]);
    bench.now += 30 * 1_000_000;
    const next = await bench.search(
      { window: { last: "10s" }, order: ascending },
      { first: 3, after: page.result.cursor(2) },
    );
    expect(next.leafIndexes).toEqual([53, 54, 55]);
  });

  it("fixes a relative window of the events' own times when it is made", async () => {
    const bench = await Bench.open(100);
    bench.now = NOW + 60 * 1_000_000;
    const request = { window: { last: "10s", of: "timestamp" }, order: ascending } as const;
    const page = await bench.search(request, { first: 3 });
    expect(page.leafIndexes).toEqual([40, 41, 42]);
    bench.now += 30 * 1_000_000;
    const next = await bench.search(request, { first: 3, after: page.result.cursor(2) });
    expect(next.leafIndexes).toEqual([43, 44, 45]);
    const same = await bench.searches().results(page.result.id, { first: 3, offset: 3 });
    expect(same.leafIndexes).toEqual([43, 44, 45]);
    expect(await page.result.totalCount()).toBe(60);
  });

  it("takes restriction and query together", async () => {
    const bench = await Bench.open(10);
    const page = await bench.search({ query: "message:4 OR message:5", restriction: { actor: ["odd"] } });
    expect(page.leafIndexes).toEqual([5]);
  });

  it("never shows more than its caller's credential allows, whatever is asked for", async () => {
    const bench = await Bench.open(6);
    const seen = async (request: Partial<SearchRequest>, bound: Restriction = { actor: ["even"] }) =>
      (await bench.search({ order: ascending, ...request }, {}, { bound })).leafIndexes;
    expect(await seen({ query: "" })).toEqual([0, 2, 4]);
    expect(await seen({ query: "actor:odd OR actor:even" })).toEqual([0, 2, 4]);
    expect(await seen({ query: "-actor:even" })).toEqual([]);
    expect(await seen({ query: "", restriction: { actor: ["odd", "even"] } })).toEqual([0, 2, 4]);
    expect(await seen({ query: "", restriction: { actor: ["odd"] } })).toEqual([]);
    expect(await seen({ query: "" }, { actor: [] })).toEqual([]);
  });

  it("names every bad argument at once", async () => {
    const bench = await Bench.open(3);
    const problems = await problemsOf(
      bench.search(
        { query: "(actor:even", window: { start: "yesterday" }, maxResults: 0, restriction: { actor: [] } },
        { first: -1, after: "x" },
      ),
    );
    expect(problems.map(({ path }) => path)).toEqual([
      "query",
      "window.start",
      "restriction.actor",
      "maxResults",
      "first",
      "after",
    ]);
    expect(problems[0]?.expected).toContain("at column 12");
  });

  it("asks the index for nothing more once its caller has left", async () => {
    const bench = await Bench.open(3);
    const caller = new AbortController();
    const { result } = await bench.search({}, { first: 1 }, caller);
    const gone = new Error("gone");
    caller.abort(gone);
    await expect(result.totalCount()).rejects.toBe(gone);
    await expect(bench.search({}, {}, caller)).rejects.toBe(gone);
    await expect(bench.searches().results(result.id, {}, caller)).rejects.toBe(gone);
    expect((await bench.searches().results(result.id, {})).leafIndexes).toEqual([2, 1, 0]);
  });
});

describe("a cursor or result id", () => {
  const even = { query: "actor:even" };
  const made = async () => {
    const bench = await Bench.open(10);
    const { result } = await bench.search(even);
    return { bench, id: result.id, cursor: result.cursor(1) };
  };
  const changed = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;

  it("of another search is refused, whichever argument differs", async () => {
    const { bench, cursor } = await made();
    const others: (Partial<SearchRequest> & Asking)[] = [
      { query: "actor:odd" },
      { query: "actor:even", maxResults: 3 },
      { query: "actor:even", order: ascending },
      { query: "actor:even", restriction: { actor: ["even"] } },
      { query: "actor:even", window: { last: "1d" } },
      { query: "actor:even", log: "other" },
      { query: "actor:even", bound: { tenant_id: ["b"] } },
    ];
    for (const { bound, ...other } of others) {
      expect(await problemsOf(bench.search(other, { after: cursor }, { bound }))).toEqual([
        { path: "after", expected: "a cursor of this search", got: "a cursor of another search" },
      ]);
    }
  });

  it("of the same search made at another time is refused beside an id or another cursor", async () => {
    const { bench, id, cursor } = await made();
    bench.now += 1_000; // over as many entries
    const soon = (await bench.search(even)).result.cursor(2);
    expect(await problemsOf(bench.searches().results(id, { before: soon }))).toMatchObject([{ path: "before" }]);
    await bench.grow(4);
    const later = (await bench.search(even)).result.cursor(2);
    expect(await problemsOf(bench.searches().results(id, { before: later }))).toMatchObject([{ path: "before" }]);
    expect(await problemsOf(bench.search(even, { after: cursor, before: later }))).toMatchObject([{ path: "before" }]);
  });

  it("that was altered in any character is refused", async () => {
    const { bench, id, cursor } = await made();
    for (let i = 0; i < cursor.length; i += 7) {
      const altered = cursor.slice(0, i) + changed(cursor.slice(i));
      expect(await problemsOf(bench.search(even, { after: altered }))).toMatchObject([{ path: "after" }]);
    }
    for (let i = 0; i < id.length; i += 31) {
      const altered = id.slice(0, i) + changed(id.slice(i));
      expect(await problemsOf(bench.searches().results(altered, {}))).toMatchObject([{ path: "id" }]);
    }
  });

  it("made under another key, of another kind, or plain text is refused", async () => {
    const { bench, id, cursor } = await made();
    expect(await problemsOf(bench.searches(2).results(id, {}))).toMatchObject([{ path: "id" }]);
    expect(await problemsOf(bench.searches().results(cursor, {}))).toMatchObject([{ path: "id" }]);
    for (const text of ["", "MTA", "not base64!", `${id}=`, " "]) {
      expect(await problemsOf(bench.searches().results(text, {}))).toMatchObject([{ path: "id" }]);
    }
  });

  it("of somebody who is limited otherwise is refused, in both directions", async () => {
    const refusal = [{ path: "id", expected: "the id of a search result", got: "a result of another credential" }];
    const { bench, id } = await made();
    const bound = { actor: ["even"] };
    const limited = await bench.search(even, {}, { bound });
    expect(await problemsOf(bench.searches().results(id, {}, { bound }))).toEqual(refusal);
    expect(await problemsOf(bench.searches().results(limited.result.id, {}))).toEqual(refusal);
    expect(await problemsOf(bench.searches().results(limited.result.id, {}, { bound: { actor: ["odd"] } }))).toEqual(
      refusal,
    );
    expect((await bench.searches().results(limited.result.id, {}, { bound })).leafIndexes).toEqual(limited.leafIndexes);
  });

  it("is refused once it has expired", async () => {
    const { bench, id, cursor } = await made();
    bench.now += HOUR_MS * 1000;
    expect(await problemsOf(bench.searches().results(id, {}))).toMatchObject([{ got: "an expired result" }]);
    expect(await problemsOf(bench.search(even, { after: cursor }))).toMatchObject([{ got: "an expired cursor" }]);
  });
});
