import type { Entry } from "../audit/service.js";

/** An entry to be verified, and the tree to verify it in, which is determined for the checks that need one. */
export interface EntryInTree {
  readonly entry: Entry;
  readonly treeSize: () => Promise<number>;
}
