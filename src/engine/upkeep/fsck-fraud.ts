import type { SearchIndex } from "../../audit/search-index.js";
import type { LogHead } from "../../audit/store.js";
import { utf8 } from "../../core/bytes.js";
import type { SegmentId } from "../../core/segment/format.js";
import { provenFraud } from "../../core/segment/fraud-proof.js";
import { dueBase } from "../../core/segment/index-log.js";
import { KnownTree } from "../../core/segment/known-tree.js";
import { leavesOf } from "../../core/segment/search.js";
import type { TreeEdge } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { Prover } from "../tree/prover.js";
import type { TreeSource } from "../tree/signed-tree.js";
import { TileReader } from "../tree/tile-reader.js";

/** That a gateway over a store signs a wrong index, for anyone to check (docs/format.md, section 8.6). */
export interface ProvenFraud {
  readonly segment: SegmentId;
  readonly checkpoint: string;
  readonly indexCheckpoint: string;
  readonly proof: Uint8Array;
}

export interface AccusedLog {
  readonly source: TreeSource;
  readonly index: SearchIndex;
  readonly head: LogHead;
  /** Of the whole log. */
  readonly edge: TreeEdge;
}

/**
 * Proves that a segment of level 0 or 1 is another than the log's entries make, under the head's checkpoint and the index
 * checkpoint that a gateway over this store signs. Undefined where no record names the segment yet, and as `provenFraud`.
 */
export async function fraudOf(
  { source, index, head, edge }: AccusedLog,
  id: SegmentId,
): Promise<ProvenFraud | undefined> {
  const { log, key, format } = source;
  const signed = await index.storedIndex(log, head.size);
  if (signed === undefined || dueBase(id) >= signed.size) return undefined;
  const roots = {
    log: { treeSize: head.size, rootHash: edge.root() },
    index: { treeSize: signed.size, rootHash: signed.rootHash },
  };
  const trees = { log: await treeWith({ source, head, edge }, leavesIn(id)), index: signed };
  const proof = provenFraud({ ...roots, format, sha256: nodeSha256 }, trees, id);
  const indexCheckpoint = key.signIndex(signed.size, signed.rootHash);
  return proof && { segment: id, checkpoint: head.checkpoint, indexCheckpoint, proof };
}

async function treeWith(
  { source, head, edge }: Omit<AccusedLog, "index">,
  leaves: readonly number[],
): Promise<KnownTree> {
  const tree = { edge, rootHash: edge.root(), checkpoint: head.checkpoint, lastReceivedAt: head.lastReceivedAt };
  const hashes = await new Prover(source, new TileReader(source)).multiproof(tree, head.size, leaves);
  const entries = await source.store.entries(source.log, leaves);
  const texts = entries.map((entry) => utf8(entry?.canonical ?? ""));
  return KnownTree.of(source.format, head.size, {
    leaves: texts.map((bytes, place) => ({ index: leaves[place] ?? 0, bytes })),
    hashes,
  });
}

function leavesIn(id: SegmentId): readonly number[] {
  const { start, end } = leavesOf(id);
  return Array.from({ length: end - start }, (_, place) => start + place);
}
