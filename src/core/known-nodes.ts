import { HASH_BYTES } from "./bytes.js";
import type { LogFormat } from "./format.js";

/** Proofs of a page have some 850 nodes, many of them in common; these hold several pages' in some 700 KiB. */
const SLOTS = 4_096;
const SLOT_BYTES = 2 * HASH_BYTES;

/**
 * A format that remembers the nodes which it hashed last, 4,096 at the most: proofs of neighbors, and of the same page
 * again, climb through the same nodes. It compares both children byte by byte, so it never returns anything but their
 * hash; that is the same array each time, which nobody may change.
 */
export function withKnownNodes(format: LogFormat): LogFormat {
  const children = new Uint8Array(SLOTS * SLOT_BYTES);
  const nodes = new Array<Uint8Array | undefined>(SLOTS);
  return {
    ...format,
    nodeHash: (left, right) => {
      const slot = slotOf(left, right);
      const start = slot * SLOT_BYTES;
      const known = nodes[slot];
      if (known !== undefined && isAt(children, start, left) && isAt(children, start + HASH_BYTES, right)) return known;
      const node = format.nodeHash(left, right);
      children.set(left, start);
      children.set(right, start + HASH_BYTES);
      nodes[slot] = node;
      return node;
    },
  };
}

/** Hashes are spread evenly, so any of their bits are. */
function slotOf(left: Uint8Array, right: Uint8Array): number {
  const [l0 = 0, l1 = 0] = left;
  const [r0 = 0, r1 = 0] = right;
  return ((l0 | (l1 << 8)) ^ ((r0 << 4) | (r1 << 12))) % SLOTS;
}

function isAt(bytes: Uint8Array, start: number, hash: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (bytes[start + i] !== hash[i]) return false;
  return hash.length === HASH_BYTES;
}
