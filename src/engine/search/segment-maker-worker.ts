import { parentPort, workerData } from "node:worker_threads";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import { MERGED_CHILDREN, mergeSegments } from "../../core/segment/merge.js";
import { SegmentReader } from "../../core/segment/read.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { Outline, recordOf, recordsBelow, storable } from "./outline.js";
import { packed, unpacked } from "./packed.js";
import type { MakerCall, MakerReply } from "./segment-maker.js";

const MOST_OCCURRENCES = Number(workerData);
let group = new Group(0, nodeSha256);
let lastLeafHash: Uint8Array = new Uint8Array();

function answer(call: MakerCall): MakerReply {
  switch (call.kind) {
    case "add": {
      if (call.begins !== undefined) group = begun(call.begins, call.firstLeaf);
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
    case "build-base": {
      while (group.documents < BASE_ENTRIES) group.skip();
      const { blocks, directory } = buildSegment(group, 0);
      return { kind: "base", blocks: packed(blocks), directory: packed(directory) };
    }
    case "merge": {
      const children = call.children.map(childOf);
      const lastLeafHash = call.children.at(-1)?.lastLeafHash ?? new Uint8Array();
      return made(storable(mergeSegments(children.map(({ reader }) => reader)), lastLeafHash, recordsBelow(children)));
    }
  }
}

/** A base is the first piece of a group that begins there. */
function begun(what: "group" | "base", firstLeaf: number): Group {
  const documents = what === "group" ? PIECE_DOCUMENTS : BASE_ENTRIES;
  const start = firstLeaf - (firstLeaf % documents);
  const begun = new Group(start / PIECE_DOCUMENTS, nodeSha256, MOST_OCCURRENCES);
  while (start + begun.documents < firstLeaf) begun.skip();
  return begun;
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
  const moved = reply.kind === "made" ? [reply.contents] : reply.kind === "base" ? [reply.blocks, reply.directory] : [];
  parentPort?.postMessage(
    reply,
    moved.map(({ bytes }) => bytes.buffer),
  );
});
