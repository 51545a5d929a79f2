import { LRUCache } from "lru-cache";
import type { Root } from "../../audit/service.js";

/** Some 10 MiB. */
const MAX_ROOTS = 65_536;

/**
 * The sizes of roots that clients were told: they send back only a root's hash (`prev_root`), and a hash does not
 * reveal the size. A client whose root was forgotten, or told by another gateway, gets no consistency proof for that
 * request.
 */
export class KnownRoots {
  // Created on first use, because it allocates its memory at once and most gateways serve no such client.
  #sizes: LRUCache<string, number> | undefined;

  remember({ log, hash, treeSize }: Root): void {
    this.#sizes ??= new LRUCache({ max: MAX_ROOTS });
    this.#sizes.set(keyOf(log, hash), treeSize);
  }

  sizeOf(log: string, hash: string): number | undefined {
    return this.#sizes?.get(keyOf(log, hash));
  }
}

function keyOf(log: string, hash: string): string {
  return `${hash} ${log}`;
}
