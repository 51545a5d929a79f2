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

/** What the thread of a SegmentMaker does: answers its calls, one after the other. */
export class SegmentMaking {
  #group = new Group(0, nodeSha256);
  #lastLeafHash: Uint8Array = new Uint8Array();

  /** `mostOccurrences`: of the words and values of a group. */
  constructor(private readonly mostOccurrences: number) {}

  /** Never throws. */
  reply(call: MakerCall): MakerReply {
    try {
      return this.#answer(call);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof GroupTooLarge))
        return { kind: "failed", reason, damaged: error instanceof DamagedChild ? error.place : undefined };
      this.#group = new Group(0, nodeSha256); // or its memory would be held
      return { kind: "too-large", reason };
    }
  }

  #answer(call: MakerCall): MakerReply {
    switch (call.kind) {
      case "add":
        return this.#add(call);
      case "build": {
        const segment = buildSegment(this.#group, 1);
        const places = Array.from({ length: MERGED_CHILDREN }, (_, place) => place);
        const bases = places.map((place) => recordOf(buildSegment(this.#group, 0, place)));
        return made(storable(segment, this.#lastLeafHash, bases));
      }
      case "build-base": {
        while (this.#group.documents < BASE_ENTRIES) this.#group.skip();
        const { blocks, directory } = buildSegment(this.#group, 0);
        return { kind: "base", blocks: packed(blocks), directory: packed(directory) };
      }
      case "merge": {
        const children = call.children.map(childOf);
        const lastLeafHash = call.children.at(-1)?.lastLeafHash ?? new Uint8Array();
        const segment = mergeSegments(children.map(({ reader }) => reader));
        return made(storable(segment, lastLeafHash, recordsBelow(children)));
      }
    }
  }

  #add({ begins, firstLeaf, canonical, leafHashes }: MakerCall & { readonly kind: "add" }): MakerReply {
    if (begins !== undefined) this.#group = begun(begins, firstLeaf, this.mostOccurrences);
    if (firstLeaf !== this.#group.number * PIECE_DOCUMENTS + this.#group.documents)
      throw new RangeError(`leaf ${firstLeaf} does not follow the group's last`);
    const hashes = unpacked(leafHashes);
    unpacked(canonical).forEach((text, place) => {
      this.#lastLeafHash = hashes[place] ?? this.#lastLeafHash;
      this.#group.add({ canonical: text, leafHash: this.#lastLeafHash });
    });
    return { kind: "added" };
  }
}

/** The buffers of a reply, to be given away with it. */
export function replyBuffers(reply: MakerReply): readonly ArrayBuffer[] {
  if (reply.kind === "made") return [reply.contents.bytes.buffer];
  return reply.kind === "base" ? [reply.blocks.bytes.buffer, reply.directory.bytes.buffer] : [];
}

/** A base is the first piece of a group that begins there. */
function begun(what: "group" | "base", firstLeaf: number, mostOccurrences: number): Group {
  const documents = what === "group" ? PIECE_DOCUMENTS : BASE_ENTRIES;
  const start = firstLeaf - (firstLeaf % documents);
  const begun = new Group(start / PIECE_DOCUMENTS, nodeSha256, mostOccurrences);
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
