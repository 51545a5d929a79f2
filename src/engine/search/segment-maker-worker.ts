import { parentPort, workerData } from "node:worker_threads";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import { MERGED_CHILDREN, mergeSegments } from "../../core/segment/merge.js";
import { SegmentReader } from "../../core/segment/read.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { Outline, recordOf, recordsBelow, storable } from "./outline.js";
import { packed, unpacked, type MakerCall, type MakerReply } from "./segment-maker.js";

const MOST_OCCURRENCES = Number(workerData);
let group = new Group(0, nodeSha256);
let lastLeafHash: Uint8Array = new Uint8Array();

function answer(call: MakerCall): MakerReply {
  switch (call.kind) {
    case "add": {
      if (call.firstLeaf % PIECE_DOCUMENTS === 0)
        group = new Group(call.firstLeaf / PIECE_DOCUMENTS, nodeSha256, MOST_OCCURRENCES);
      if (call.firstLeaf !== group.number * PIECE_DOCUMENTS + group.documents)
        throw new RangeError(`leaf ${call.firstLeaf} does not follow the group's last`);
      const leafHashes = unpacked(call.leafHashes);
      unpacked(call.canonical).forEach((canonical, place) => {
        lastLeafHash = leafHashes[place] ?? lastLeafHash;
        group.add({ canonical, leafHash: lastLeafHash });
      });
      return { kind: "added" };
    }
    case "build": {
      const segment = buildSegment(group, 1);
      const bases = Array.from({ length: MERGED_CHILDREN }, (_, place) => recordOf(buildSegment(group, 0, place)));
      return made(storable(segment, lastLeafHash, bases));
    }
    case "merge": {
      const children = call.children.map(childOf);
      const lastLeafHash = call.children.at(-1)?.lastLeafHash ?? new Uint8Array();
      return made(storable(mergeSegments(children.map(({ reader }) => reader)), lastLeafHash, recordsBelow(children)));
    }
  }
}

function made({ contents, ...segment }: SegmentBlocks): MakerReply {
  return { kind: "made", segment, contents: packed(contents) };
}

class DamagedChild extends Error {
  constructor(readonly place: number) {
    super("a segment to be merged is damaged");
  }
}

interface Child {
  readonly id: SegmentId;
  readonly outline: Outline;
  readonly reader: SegmentReader;
}

function childOf(child: (MakerCall & { readonly kind: "merge" })["children"][number], place: number): Child {
  const contents = unpacked(child.contents);
  const blocks = contents.slice(0, -1);
  const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), child.digest);
  const isSound = outline?.isOfLevel(child.level) === true && blocks.every((block, n) => outline.hasBlock(n, block));
  if (outline === undefined || !isSound) throw new DamagedChild(place);
  const reader = new SegmentReader({
    block: (number) => blocks[number] ?? new Uint8Array(),
    locate: (term) => outline.locate(term),
  });
  return { id: { level: child.level, number: child.number }, outline, reader };
}

parentPort?.on("message", (call: MakerCall) => {
  let reply: MakerReply;
  try {
    reply = answer(call);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof GroupTooLarge) group = new Group(0, nodeSha256); // or its memory would be held
    reply =
      error instanceof GroupTooLarge
        ? { kind: "too-large", reason }
        : { kind: "failed", reason, damaged: error instanceof DamagedChild ? error.place : undefined };
  }
  parentPort?.postMessage(reply, reply.kind === "made" ? [reply.contents.bytes.buffer] : []);
});
