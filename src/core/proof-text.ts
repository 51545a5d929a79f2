import { digestBytes, digestOf, equalBytes, parseDigest } from "./bytes.js";
import type { LogFormat } from "./format.js";
import {
  isLeafOf,
  isPrefix,
  membershipRanges,
  membershipVerdict,
  subtreePathsVerdict,
  subtreeRanges,
  type ConsistencyProof,
  type MembershipProof,
  type SubtreePath,
  type SubtreeRanges,
} from "./proof.js";
import { splitPoint, type LeafRange } from "./tree.js";
import { invalid, type Verdict } from "./verdict.js";

/** A membership proof in the Pangea protocol's spelling, with what it claims to prove. */
export interface MembershipText extends Omit<MembershipProof, "path"> {
  readonly text: string;
}

/** A consistency proof in the Pangea protocol's spelling, with what it claims to prove. */
export interface ConsistencyText extends Omit<ConsistencyProof, "path" | "subtreePaths"> {
  readonly text: readonly string[];
}

/** A membership proof as the Pangea protocol writes it (section 4.2): `l:<hex>,r:<hex>…`; empty in a tree of one leaf. */
export function membershipText(proof: Pick<MembershipProof, "leafIndex" | "treeSize" | "path">): string {
  const ranges = membershipRanges(proof.leafIndex, proof.treeSize);
  return pathItems(proof.path, sides(ranges, proof.leafIndex)).join(",");
}

/** A consistency proof as the Pangea protocol writes it (section 4.3): `x:<hex>,<path>` per old subtree, the smallest first. */
export function consistencyText(
  proof: Pick<ConsistencyProof, "fromSize" | "toSize" | "subtreePaths">,
): readonly string[] {
  const ranges = subtreeRanges(proof.fromSize, proof.toSize);
  return ranges.map(({ subtree, path }, i) => {
    const item = proof.subtreePaths[i];
    if (item === undefined) throw new RangeError(`a proof from ${proof.fromSize} needs ${ranges.length} subtree paths`);
    return [`x:${digestOf(item.hash)}`, ...pathItems(item.path, sides(path, subtree.start))].join(",");
  });
}

/**
 * Checks a membership text. Its letters must be the sides that follow from index and size; any other spelling is
 * MALFORMED_PROOF.
 * In a pangea log, more items may precede those: the hosted Pangea service gathers events in a small "hot" tree whose
 * root becomes the leaf (protocol section 4.5). VALID then means that the event is one of those under leaf `leafIndex`.
 * Nothing says where in the hot tree it was, so the letters of these items are not checked.
 */
export function membershipTextVerdict(format: LogFormat, claim: MembershipText): Verdict {
  if (!isLeafOf(claim.leafIndex, claim.treeSize)) return invalid("INDEX_OUT_OF_RANGE");
  const ranges = membershipRanges(claim.leafIndex, claim.treeSize);
  const items = itemsOf(claim.text);
  const hot = format.name === "pangea" ? items.slice(0, Math.max(0, items.length - ranges.length)) : [];
  const leafHash = hot.length > MAX_HOT_ITEMS ? undefined : climbed(format, claim.leafHash, hot);
  const path = parsePath(items.slice(hot.length), sides(ranges, claim.leafIndex));
  if (leafHash === undefined || path === undefined) return invalid("MALFORMED_PROOF");
  return membershipVerdict(format, { ...claim, leafHash, path });
}

/** Checks a consistency text: every item must lead to the new root, and together they must rebuild the old one. */
export function consistencyTextVerdict(format: LogFormat, claim: ConsistencyText): Verdict {
  const subtreePaths = subtreePathsOfText(claim);
  if (subtreePaths === undefined) return invalid("MALFORMED_PROOF");
  return subtreePathsVerdict(format, { ...claim, subtreePaths });
}

/** The leaf that a membership text leads to. */
export interface TextPlace {
  readonly leafIndex: number;
  /** How many of its first items lie below that leaf, in a hot tree. */
  readonly hotItems: number;
}

/**
 * Where a membership text leads in a tree of a size: from the root down, its letters say at every node which half.
 * Undefined when the text is too short for the size. What it proves, `membershipTextVerdict` says.
 */
export function placeOfText(text: string, treeSize: number): TextPlace | undefined {
  if (!isLeafOf(0, treeSize)) return undefined;
  const items = itemsOf(text);
  let [start, end, left] = [0, treeSize, items.length];
  while (end - start > 1) {
    const item = items[--left];
    if (item === undefined) return undefined;
    const split = start + splitPoint(end - start);
    if (item.startsWith("l:")) start = split;
    else end = split;
  }
  return { leafIndex: start, hotItems: left };
}

/** The hashes of a membership text from the leaf up; undefined for one that is malformed. */
export function hashesOfText(text: string): readonly Uint8Array[] | undefined {
  const items = itemsOf(text);
  const hashes = items.map((item) => parseHash(item, "l") ?? parseHash(item, "r")).filter((hash) => hash !== undefined);
  return hashes.length === items.length ? hashes : undefined;
}

/** The root that a membership text leads to by its letters, whatever the tree's size; undefined for a malformed one. */
export function rootOfText(format: LogFormat, leafHash: Uint8Array, text: string): Uint8Array | undefined {
  return climbed(format, leafHash, itemsOf(text));
}

/** The roots of the old and the new tree as a consistency text rebuilds them. */
export interface TextRoots {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/**
 * What a consistency text rebuilds by its letters, whatever the trees' sizes; undefined for one that is malformed or whose
 * items do not all lead to one new root. With both sizes, `consistencyTextVerdict` says more.
 */
export function rootsOfText(format: LogFormat, text: readonly string[]): TextRoots | undefined {
  let roots: TextRoots | undefined;
  if (text.length > MAX_HOT_ITEMS) return undefined;
  for (const line of text) {
    const [head = "", ...items] = line.split(",");
    const hash = parseHash(head, "x");
    const to = hash && climbed(format, hash, items);
    if (hash === undefined || to === undefined || (roots !== undefined && !equalBytes(roots.to, to))) return undefined;
    roots = { from: roots === undefined ? hash : format.nodeHash(hash, roots.from), to };
  }
  return roots;
}

/** A consistency text's items; undefined unless they are spelled as both sizes ask for. */
export function subtreePathsOfText(
  claim: Pick<ConsistencyText, "fromSize" | "toSize" | "text">,
): readonly SubtreePath[] | undefined {
  const ranges = isPrefix(claim.fromSize, claim.toSize) ? subtreeRanges(claim.fromSize, claim.toSize) : [];
  const subtreePaths = claim.text.map((text, i) => parseItem(text, ranges[i])).filter((item) => item !== undefined);
  return subtreePaths.length === claim.text.length ? subtreePaths : undefined;
}

type Side = "l" | "r";

function itemsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(",");
}

/** No tree is deeper: sizes are below 2^53. */
const MAX_HOT_ITEMS = 53;

function climbed(format: LogFormat, leafHash: Uint8Array, items: readonly string[]): Uint8Array | undefined {
  if (items.length > 2 * MAX_HOT_ITEMS) return undefined;
  let node = leafHash;
  for (const item of items) {
    const [left, right] = [parseHash(item, "l"), parseHash(item, "r")];
    if (left) node = format.nodeHash(left, node);
    else if (right) node = format.nodeHash(node, right);
    else return undefined;
  }
  return node;
}

/** The side of the node at `start` on which each range of its path lies. */
function sides(path: readonly LeafRange[], start: number): readonly Side[] {
  return path.map((range) => (range.start < start ? "l" : "r"));
}

function pathItems(path: readonly Uint8Array[], labels: readonly Side[]): readonly string[] {
  if (path.length !== labels.length) throw new RangeError(`a path of ${labels.length} hashes has ${path.length}`);
  return labels.map((side, i) => `${side}:${digestOf(path[i] ?? new Uint8Array())}`);
}

/** The hashes of a path whose letters are exactly the given sides; else undefined. */
function parsePath(items: readonly string[], labels: readonly Side[]): readonly Uint8Array[] | undefined {
  const hashes = items.map((item, i) => parseHash(item, labels[i] ?? "none"));
  const path = hashes.filter((hash) => hash !== undefined);
  return path.length === hashes.length ? path : undefined;
}

function parseItem(text: string, ranges: SubtreeRanges | undefined): SubtreePath | undefined {
  if (ranges === undefined) return undefined;
  const { subtree } = ranges;
  const [head = "", ...items] = text.split(",");
  const hash = parseHash(head, "x");
  const path = parsePath(items, sides(ranges.path, subtree.start));
  return hash && path && { start: subtree.start, size: subtree.end - subtree.start, hash, path };
}

function parseHash(item: string, label: string): Uint8Array | undefined {
  const digest = item.startsWith(`${label}:`) ? parseDigest(item.slice(label.length + 1)) : undefined;
  return digest && digestBytes(digest);
}
