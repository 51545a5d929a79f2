import type { IndexedStore, OpenedStore } from "../../audit/search-index.js";
import type { Keyring } from "../../keys/keyring.js";
import { SealedBlocks } from "./sealed-blocks.js";
import { SegmentIndex } from "./segment-index.js";

/** An opened store with the search index over its logs, whose segments the deployment's key seals. */
export function indexed(
  { blocks, ...store }: OpenedStore,
  { indexSecrets }: Pick<Keyring, "indexSecrets">,
): IndexedStore {
  return { ...store, index: new SegmentIndex({ ...store, blocks: new SealedBlocks(blocks, indexSecrets) }) };
}
