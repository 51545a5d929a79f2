import type { IndexedStore, OpenedStore } from "../../audit/search-index.js";
import { SegmentIndex } from "./segment-index.js";

/** An opened store with the search index over its logs. */
export function indexed({ blocks, ...store }: OpenedStore): IndexedStore {
  return { ...store, index: new SegmentIndex({ ...store, blocks }) };
}
