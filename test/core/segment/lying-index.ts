import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment, type SegmentId } from "../../../src/core/segment/format.js";
import { fraudProof } from "../../../src/core/segment/fraud-proof.js";
import { Group } from "../../../src/core/segment/group.js";
import type { SignedRoots } from "../../../src/core/segment/verify-answer.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { nothing, provable, type IndexedLog } from "./provable-log.js";

/** An accusation, and the roots under which it is to be judged. */
export interface Accused {
  readonly roots: SignedRoots;
  readonly proof: Uint8Array;
}

/** The log accused of a segment that it signed honestly. */
export function accused(log: IndexedLog, indexSize: number, id: SegmentId): Accused {
  return { roots: log.roots(indexSize), proof: fraudProof(log.log, log.index(indexSize), id) };
}

/** The log signs another segment in the place of one, and is accused of it. */
export function caught(log: IndexedLog, indexSize: number, lie: Segment): Accused {
  const honest = log.segment(lie);
  log.put(lie);
  try {
    return accused(log, indexSize, lie);
  } finally {
    log.put(honest);
  }
}

/** The log signs a record that is none. */
export function caughtRecord(log: IndexedLog, indexSize: number, number: number): Accused {
  const records = Array.from({ length: indexSize }, (_, base) =>
    base === number ? utf8("auditql/index/2\n") : log.record(base),
  );
  const index = provable(records);
  return {
    roots: { ...log.roots(indexSize), index: { treeSize: indexSize, rootHash: index.root } },
    proof: fraudProof(log.log, index, { level: 0, number }),
  };
}

/** The segment in which one entry is hidden: what a log signs that wants a search to miss it. */
export function hiding(log: IndexedLog, { level, number }: SegmentId, hidden: number): Segment {
  const width = level === 0 ? 256 : PIECE_DOCUMENTS;
  const group = new Group((number * width) / PIECE_DOCUMENTS, nodeSha256);
  for (let leaf = number * width; leaf < (number + 1) * width; leaf++) {
    const canonical = log.entries[leaf] ?? nothing();
    if (leaf === hidden) group.skip();
    else group.add({ canonical, leafHash: log.format.leafHash(canonical) });
  }
  return buildSegment(group, level === 0 ? 0 : 1);
}
