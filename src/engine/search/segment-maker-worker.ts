import { parentPort, workerData } from "node:worker_threads";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import { mergeSegments } from "../../core/segment/merge.js";
import { SegmentReader } from "../../core/segment/read.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { Outline, storable } from "./outline.js";
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
    case "build":
      return made(storable(buildSegment(group, 1), lastLeafHash));
    case "merge": {
      const children = call.children.map(readerOf);
      const lastLeafHash = call.children.at(-1)?.lastLeafHash ?? new Uint8Array();
      return made(storable(mergeSegments(children), lastLeafHash));
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

function readerOf(child: (MakerCall & { readonly kind: "merge" })["children"][number], place: number): SegmentReader {
  const contents = unpacked(child.contents);
  const blocks = contents.slice(0, -1);
  const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), child.digest);
  if (outline === undefined || !blocks.every((block, number) => outline.hasBlock(number, block)))
    throw new DamagedChild(place);
  return new SegmentReader({
    block: (number) => blocks[number] ?? new Uint8Array(),
    locate: (term) => outline.locate(term),
  });
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
