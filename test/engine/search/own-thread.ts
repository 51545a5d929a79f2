import { replaced } from "../../../src/audit/calls.js";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { MAX_OCCURRENCES } from "../../../src/core/segment/group.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import { SegmentLost } from "../../../src/engine/search/open-segment.js";
import { packed, unpacked } from "../../../src/engine/search/packed.js";
import { SegmentMaker, type MakerCall, type MakerReply } from "../../../src/engine/search/segment-maker.js";
import { SegmentMaking } from "../../../src/engine/search/segment-making.js";

/** Makes segments where it is asked, without a thread. */
export function ownThreadMaker(mostOccurrences = MAX_OCCURRENCES): SegmentMaker {
  const asked = (making: SegmentMaking, call: MakerCall): MakerReply => {
    const reply = making.reply(call);
    if (reply.kind === "too-large") throw new GroupTooLarge(reply.reason);
    if (reply.kind !== "failed") return reply;
    const damaged = call.kind === "merge" && reply.damaged !== undefined ? call.children[reply.damaged] : undefined;
    throw damaged === undefined ? new Error(reply.reason) : new SegmentLost(damaged);
  };
  const added = async (
    begins: "group" | "base",
    firstLeaf: number,
    entries: Parameters<SegmentMaker["base"]>[1],
  ): Promise<SegmentMaking> => {
    const making = new SegmentMaking(mostOccurrences);
    let next = firstLeaf;
    for await (const some of entries) {
      const [canonical, leafHashes] = [
        packed(some.map((one) => one.canonical)),
        packed(some.map((one) => one.leafHash)),
      ];
      const what = next === firstLeaf ? begins : undefined;
      asked(making, { kind: "add", begins: what, firstLeaf: next, canonical, leafHashes });
      next += some.length;
    }
    return making;
  };
  const madeBy = (reply: MakerReply): SegmentBlocks => {
    if (reply.kind !== "made") throw new Error(`it said ${reply.kind}`);
    return { ...reply.segment, contents: unpacked(reply.contents) };
  };
  return replaced(new SegmentMaker(), {
    build: async (firstLeaf, entries) => {
      const making = await added("group", firstLeaf, entries);
      return madeBy(asked(making, { kind: "build" }));
    },
    base: async (firstLeaf, entries) => {
      const reply = asked(await added("base", firstLeaf, entries), { kind: "build-base" });
      if (reply.kind !== "base") throw new Error(`it said ${reply.kind}`);
      const number = Math.floor(firstLeaf / 256);
      return { level: 0, number, blocks: unpacked(reply.blocks), directory: unpacked(reply.directory) };
    },
    merge: (children) => {
      const call = children.map((child) => ({ ...child, contents: packed(child.contents) }));
      return Promise.resolve().then(() =>
        madeBy(asked(new SegmentMaking(mostOccurrences), { kind: "merge", children: call })),
      );
    },
  });
}
