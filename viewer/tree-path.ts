import { digestBytes, digestOf, parseDigest } from "../src/core/bytes.js";
import type { MembershipClaim } from "../src/core/claim.js";
import type { LogFormat } from "../src/core/format.js";

/** One step of a proof from a leaf to the root: a node of the path, and the hash that it was given to reach the next. */
export interface Step {
  /** 0 for the leaf. */
  readonly level: number;
  /** The hash computed so far. */
  readonly hash: string;
  /** The proof's hash beside it; undefined at the root. */
  readonly sibling: { readonly side: "left" | "right"; readonly hash: string } | undefined;
}

/**
 * The nodes from the leaf to the root that a proof leads to, computed here (RFC 9162, section 2.1.3.2). Ends early where the
 * proof has a hash too few, too many, or none that can be read: its verdict says so.
 */
export function treePath(format: LogFormat, { leafIndex, treeSize, leafHash, path }: MembershipClaim): readonly Step[] {
  const steps: Step[] = [];
  let [index, last, hash] = [leafIndex, treeSize - 1, leafHash];
  for (const sibling of path) {
    const joined = join(format, { index, last, hash, sibling });
    if (last <= 0 || joined === undefined) break;
    steps.push({ level: steps.length, hash, sibling: { side: joined.side, hash: sibling } });
    if (joined.side === "left")
      while (index % 2 === 0 && index !== 0) [index, last] = [index / 2, Math.floor(last / 2)];
    [index, last, hash] = [Math.floor(index / 2), Math.floor(last / 2), joined.hash];
  }
  return [...steps, { level: steps.length, hash, sibling: undefined }];
}

interface Pair {
  readonly index: number;
  readonly last: number;
  readonly hash: string;
  readonly sibling: string;
}

function join(format: LogFormat, { index, last, hash, sibling }: Pair) {
  const [own, other] = [parseDigest(hash), parseDigest(sibling)];
  if (own === undefined || other === undefined) return undefined;
  const side = index % 2 === 1 || index === last ? ("left" as const) : ("right" as const);
  const [left, right] = side === "left" ? [other, own] : [own, other];
  return { side, hash: digestOf(format.nodeHash(digestBytes(left), digestBytes(right))) };
}
