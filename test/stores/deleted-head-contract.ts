import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { LogStore } from "../../src/audit/store.js";
import { answering, batch, emptyHead, entry, filling, requestReceipt, tile } from "./batches.js";
import type { LogStoreEngine } from "./log-store-contract.js";

/** What every engine promises where somebody deleted the head of a log, and left the rest. */
export function deletedHeadContract(name: string, engine: LogStoreEngine): void {
  describe(`LogStore contract, a deleted head: ${name}`, () => {
    let store: LogStore;
    beforeEach(async () => {
      store = await engine.open();
      for (const log of ["first", "second", "third"]) {
        await store.createLog(emptyHead(log));
        const keyed = answering([requestReceipt("key", 0)], batch(log, 0, [entry("a"), entry("b")]));
        await store.append(filling([tile({ level: 0, index: 0 })], keyed));
      }
      await store.createLog(emptyHead("without entries"));
    });
    afterEach(async () => {
      await store.close();
    });

    test("is missed of no log that has one", async () => {
      expect(await store.headless()).toEqual([]);
    });

    const { deleteHead } = engine;
    if (deleteHead === undefined) return;

    test.each(["first", "second", "third"])(
      "of the %s log is missed, and the log does not begin again",
      async (lost) => {
        await deleteHead(lost);
        expect(await store.headless()).toHaveLength(1);
        await expect(store.createLog(emptyHead(lost))).rejects.toMatchObject({ code: "LOG_CORRUPT" });
        expect((await store.heads()).map(({ log }) => log)).not.toContain(lost);
        expect(await store.headless()).toHaveLength(1);
      },
    );
  });
}
