import type { EntryOutcome } from "../src/audit/service.js";
import { digestOf, equalBytes, utf8 } from "../src/core/bytes.js";
import type { TreeEdge } from "../src/core/tree.js";
import { readEnvelope } from "../src/core/format.js";
import { OpenLog } from "../src/engine/log/open-log.js";
import { PinnedSearches } from "../src/engine/search/pinned-searches.js";
import { textHash, EntryReader } from "../src/engine/tree/entries.js";
import type { TileSource } from "../src/engine/tree/tile-reader.js";

/** What is shown is bound to the signed tree, or believed from the rows of the store, as it was before. */
export type Reads = "bound" | "plain";

/** Replaces what binds in every engine of this process by a choice between it and the plain read; returns what chooses. */
export function choosableReads(): (reads: Reads) => void {
  let isBound = true;
  replaceEntryReads(() => isBound);
  replaceWindows(() => isBound);
  replaceHits(() => isBound);
  return (reads) => {
    isBound = reads === "bound";
  };
}

function replaceEntryReads(isBound: () => boolean): void {
  const bound = Reflect.get(EntryReader.prototype, "read");
  EntryReader.prototype.read = function (leafIndexes, edge, options) {
    return isBound()
      ? bound.call(this, leafIndexes, edge, options)
      : plainRead(this["source"], leafIndexes, edge, options?.signal);
  };
}

function replaceWindows(isBound: () => boolean): void {
  const bound = Reflect.get(OpenLog.prototype, "firstAtOrAfter");
  OpenLog.prototype.firstAtOrAfter = function (times, size) {
    const { store } = this["parts"].source;
    if (isBound()) return bound.apply(this, [times, size]);
    return Promise.all(times.map((time) => store.firstAtOrAfter(this.log, time, size)));
  };
}

function replaceHits(isBound: () => boolean): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on the object that it was taken from
  const bound = PinnedSearches.prototype["isHit"];
  PinnedSearches.prototype["isHit"] = function (...asked) {
    return isBound() ? bound.apply(this, asked) : Promise.resolve(true);
  };
}

/** Each text is hashed and compared with the hash in the same row. */
async function plainRead(
  source: TileSource,
  ...[leafIndexes, { size }, signal]: [readonly number[], TreeEdge, AbortSignal?]
): Promise<readonly EntryOutcome[]> {
  const { log, store, format } = source;
  const covered = leafIndexes.filter((leafIndex) => leafIndex < size);
  const stored = covered.length === 0 ? [] : await store.entries(log, covered, signal);
  let next = 0;
  return leafIndexes.map((leafIndex): EntryOutcome => {
    if (leafIndex >= size) return { kind: "missing" };
    const entry = stored[next++];
    const hash = entry?.leafIndex === leafIndex ? textHash(format, utf8(entry.canonical)) : undefined;
    if (entry === undefined || hash === undefined || !equalBytes(hash, entry.leafHash))
      return { kind: "corrupt", leafIndex };
    const { canonical } = entry;
    const envelope = readEnvelope(canonical);
    if (envelope === undefined) return { kind: "corrupt", leafIndex };
    return { kind: "entry", entry: { log, leafIndex, hash: digestOf(hash), canonical, envelope } };
  });
}
