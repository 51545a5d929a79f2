import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { LogReads, LogStore } from "../../src/audit/store.js";
import { batch, emptyHead, entry, textsIn } from "./batches.js";
import type { LogStoreEngine } from "./log-store-contract.js";

const TRICKY_TEXTS = [
  '{"event":{"message":"emoji 🦆 and a family 👨‍👩‍👧"}}',
  '{"event":{"message":"\u2028 and \u2029 are line ends to some"}}',
  String.raw`{"event":{"message":"\"quoted\" \\ \n \t \u0001 '; DROP TABLE entries; --"}}`,
  '{"event":{"message":"é is not é"}}',
  '{"event":{"message":"\u{10ffff}\ufeff"}}',
];

type TextsOf = (
  store: LogStore,
  ...asked: Parameters<LogReads["entries"]>
) => Promise<readonly (string | undefined)[] | undefined>;

/** Both ways to read texts. */
const READINGS: readonly (readonly [string, TextsOf])[] = [
  ["entries", async (store, ...asked) => (await store.entries(...asked)).map((stored) => stored?.canonical)],
  ["canonical texts", async (store, ...asked) => textsIn(await store.canonicals(...asked))],
];

/** What every engine promises of entries: their rows, and their texts alone. */
export function entriesContract(name: string, engine: LogStoreEngine): void {
  describe(`LogStore contract, entries: ${name}`, () => {
    let store: LogStore;
    beforeEach(async () => {
      store = await engine.open();
      await store.createLog(emptyHead("default"));
    });
    afterEach(async () => {
      await store.close();
    });

    describe.each(READINGS)("%s", (_, textsOf) => {
      test("come back to the letter", async () => {
        await store.append(
          batch(
            "default",
            0,
            TRICKY_TEXTS.map((text) => entry(text)),
          ),
        );
        expect(await textsOf(store, "default", [0, 1, 2, 3, 4])).toEqual(TRICKY_TEXTS);
      });

      test("come in the order asked, with duplicates, and with holes where the log has none", async () => {
        await store.append(batch("default", 0, [entry("a"), entry("b"), entry("c")]));
        const read = await textsOf(store, "default", [2, 0, 9, 2, 1, 2 ** 52]);
        expect(read).toEqual(["c", "a", undefined, "c", "b", undefined]);
      });

      test("of an unknown log are holes", async () => {
        expect(await textsOf(store, "unknown", [0, 1])).toEqual([undefined, undefined]);
      });

      test("of one log are not those of another", async () => {
        await store.createLog(emptyHead("second"));
        await store.append(batch("second", 0, [entry("a")]));
        expect(await textsOf(store, "default", [0])).toEqual([undefined]);
      });

      test("can be asked for none", async () => {
        expect(await textsOf(store, "default", [])).toEqual([]);
      });

      test("are not read for who has left, and for who leaves meanwhile", async () => {
        await store.append(batch("default", 0, [entry("a")]));
        const [gone, reader] = [new Error("gone"), new AbortController()];
        await expect(textsOf(store, "default", [0], AbortSignal.abort(gone))).rejects.toBe(gone);
        const left = expect(textsOf(store, "default", [0], reader.signal)).rejects.toBe(gone);
        const stayed = textsOf(store, "default", [0], new AbortController().signal);
        reader.abort(gone);
        await left;
        expect(await stayed).toEqual(["a"]);
      });
    });

    test("entries come with their places, of which some are asked for twice", async () => {
      await store.append(batch("default", 0, [entry("a"), entry("b"), entry("c")]));
      const read = await store.entries("default", [2, 0, 9, 2, 1, 2 ** 52]);
      expect(read.map((stored) => stored?.leafIndex)).toEqual([2, 0, undefined, 2, 1, undefined]);
    });
  });
}
