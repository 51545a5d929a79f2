import { afterEach, beforeEach, describe, expect, test as anyTest } from "@jest/globals";
import type { AuditService, EntryOutcome } from "../../src/audit/service.js";
import { logMessages } from "../engine/test-log.js";
import { downloadedSearch, UNSTOPPED } from "./download-reading.js";
import { expectCode, expectProblems } from "../engine/rejection.js";
import type { ContractTest } from "./contract-test.js";
import type { OpenService } from "./service-contract.js";

/** What every engine behind the port AuditService promises of downloads. */
export function downloadContract(open: OpenService, test: ContractTest = anyTest): void {
  let service: AuditService;
  let log: string;
  beforeEach(async () => {
    ({ service, log } = await open());
  });
  afterEach(async () => {
    await service.close();
  });

  describe("download", () => {
    const indexes = (outcomes: readonly EntryOutcome[]): readonly number[] =>
      outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.leafIndex : NaN));

    test.each(["asc", "desc"] as const)(
      "holds all of a result that no page could, in its order (%s)",
      async (direction) => {
        const size = 1_300;
        await logMessages(service, 1_000, log);
        await logMessages(service, size - 1_000, log);
        const order = { field: "received_at", direction } as const;
        const outcomes = await downloadedSearch(service, { log, query: "event", order });
        const all = Array.from({ length: size }, (_, place) => (direction === "asc" ? place : size - 1 - place));
        expect(indexes(outcomes)).toEqual(all);
        expect(outcomes.slice(0, 2)).toEqual(await service.entries(log, all.slice(0, 2)));
      },
    );

    test("is in the order of a field, where that is the result's", async () => {
      const events = ["b", "a", "b", "c", "a"].map((actor) => ({ event: { message: "m", actor } }));
      await service.append({ log, events, sign: false, path: "events" });
      const order = { field: "actor", direction: "desc" } as const;
      expect(indexes(await downloadedSearch(service, { log, query: "m", order }, true))).toEqual([3, 2, 0, 4, 1]);
    });

    test("ends at maxResults, or at the last match where every match is asked for", async () => {
      await logMessages(service, 10, log);
      const search = { log, query: "", maxResults: 3 };
      expect(indexes(await downloadedSearch(service, search))).toEqual([9, 8, 7]);
      expect(await downloadedSearch(service, search, true)).toHaveLength(10);
    });

    test("holds nothing that was logged after the search", async () => {
      await logMessages(service, 200, log);
      const { result } = await service.search({ log, query: "" }, {});
      const download = await service.download({ id: result.id, everyMatch: true });
      expect([download.log, download.treeSize]).toEqual([log, 200]);
      let count = 0;
      for await (const page of download.pages(UNSTOPPED)) {
        await logMessages(service, 50, log);
        count += page.length;
      }
      expect(count).toBe(200);
    });

    test("of nothing is empty", async () => {
      expect(await downloadedSearch(service, { log, query: "nothing" })).toEqual([]);
    });

    test("stops when its signal aborts", async () => {
      await logMessages(service, 1_000, log);
      const { result } = await service.search({ log, query: "" }, {});
      const download = await service.download({ id: result.id, everyMatch: false });
      const stop = new AbortController();
      const pages = download.pages(stop.signal)[Symbol.asyncIterator]();
      expect((await pages.next()).done).toBe(false);
      stop.abort();
      await expectCode(pages.next(), "UNAVAILABLE");
    });

    test("does not begin when its signal has aborted", async () => {
      await logMessages(service, 1, log);
      const { result } = await service.search({ log, query: "" }, {});
      const download = await service.download({ id: result.id, everyMatch: false });
      const pages = download.pages(AbortSignal.abort())[Symbol.asyncIterator]();
      await expectCode(pages.next(), "UNAVAILABLE");
    });

    test("is refused for an id that is none, altered, or of another credential", async () => {
      await logMessages(service, 1, log);
      const { id } = (await service.search({ log, query: "" }, {})).result;
      const altered = `${id.slice(0, 20)}${id[20] === "A" ? "B" : "A"}${id.slice(21)}`;
      const refusals = [
        ["", {}, "text that is not a token of this service"],
        [altered, {}, "an altered token, or one made under another key"],
        [id, { bound: { actor: ["alice"] } }, "a result of another credential"],
      ] as const;
      for (const [of, asking, got] of refusals)
        await expectProblems(service.download({ everyMatch: true, id: of }, asking), { id: got });
    });
  });
}
