import { setTimeout as sleep } from "node:timers/promises";
import type { BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import type { OpenedStore } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { logFormat, type FormatName } from "../../../src/core/format.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { MERGED_CHILDREN, mergeSegments } from "../../../src/core/segment/merge.js";
import { Outline, recordOf, storable, type Records } from "../../../src/engine/search/outline.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { readerOf } from "../../core/segment/tall-segments.js";
import { gatewayOver, growTo, LOG, type TestGateway } from "./completeness-contract.js";

/** A log whose operator holds the key, and may have another index stored and signed than its entries make. */
export interface LyingLog {
  /** As they were stored honestly. */
  readonly segments: readonly SegmentBlocks[];
  /** A gateway over the log with these segments in the place of those over the same leaves. */
  readonly open: (...lies: readonly SegmentBlocks[]) => Promise<TestGateway & { readonly blocks: BlockStore }>;
  /** The segment of level 1 or 2 in which an entry is hidden. `isBelow`: in the records of the levels below as well. */
  readonly hiding: (
    hidden: number,
    options?: { readonly level?: number; readonly isBelow?: boolean },
  ) => Promise<SegmentBlocks>;
  readonly store: OpenedStore;
}

/** A log that was grown to a size, and whose index is built as far as it reaches: `stored` entries of it are in segments. */
export async function lyingLog(size: number, stored: number, format: FormatName = "rfc6962"): Promise<LyingLog> {
  const store = openMemory();
  const logs = [{ log: LOG, format }];
  const honest = await gatewayOver(store, undefined, { logs });
  await growTo(honest.service, size);
  while ((await honest.index.indexedSize(LOG)) < stored) await sleep(10);
  const segments = await storedIn(store);
  await honest.close();
  return {
    segments,
    store,
    open: async (...lies) => {
      const blocks = new MemoryBlockStore();
      for (const segment of segments) {
        const lie = lies.find(({ level, number }) => level === segment.level && number === segment.number);
        await blocks.put(LOG, lie ?? segment);
      }
      return { ...(await gatewayOver({ ...store, blocks }, undefined, { logs })), blocks };
    },
    hiding: async (hidden, { level = 1, isBelow = false } = {}) => {
      const number = Math.floor(hidden / PIECE_DOCUMENTS);
      const groups = await Promise.all(
        (level === 1 ? [number] : groupsOf(Math.floor(number / MERGED_CHILDREN))).map((group) =>
          groupOf(store.log, { format, group, hidden }),
        ),
      );
      const made = groups.map((group) => buildSegment(group, 1));
      const segment = level === 1 ? made[0] : mergeSegments(made.map(readerOf));
      const old = segments.find((one) => one.level === level && one.number === segment?.number);
      if (segment === undefined || old === undefined) throw new Error("no such segment is stored");
      return storable(segment, old.lastLeafHash, isBelow ? basesIn(groups[0]) : below(old));
    },
  };
}

const groupsOf = (number: number): readonly number[] =>
  Array.from({ length: MERGED_CHILDREN }, (_, place) => number * MERGED_CHILDREN + place);

/** What the honest segment says of those below. */
function below(segment: SegmentBlocks): Records {
  const outline = Outline.read(segment.contents.at(-1) ?? new Uint8Array(), segment.digest);
  const records: Records[number][] = [];
  for (let level = 0; level < segment.level; level++) {
    const count = MERGED_CHILDREN ** (segment.level - level);
    for (let place = 0; place < count; place++) {
      const record = outline?.record(segment, { level, number: segment.number * count + place });
      if (record !== undefined) records.push(record);
    }
  }
  return records;
}

function basesIn(group: Group | undefined): Records {
  if (group === undefined) return [];
  return Array.from({ length: MERGED_CHILDREN }, (_, place): Segment => buildSegment(group, 0, place)).map(recordOf);
}

/** The segment of a log's first 4,096 entries, and those of 256 below it, in which one is hidden. */
export async function firstHiding(log: Pick<LogStore, "entries">, hidden: number): Promise<SegmentBlocks> {
  const group = await groupOf(log, { format: "rfc6962", group: 0, hidden });
  const [last] = await log.entries(LOG, [PIECE_DOCUMENTS - 1]);
  return storable(buildSegment(group, 1), last?.leafHash ?? new Uint8Array(), basesIn(group));
}

async function groupOf(
  log: Pick<LogStore, "entries">,
  { format, group, hidden }: { readonly format: FormatName; readonly group: number; readonly hidden: number },
): Promise<Group> {
  const made = new Group(group, nodeSha256);
  const leaves = Array.from({ length: PIECE_DOCUMENTS }, (_, place) => group * PIECE_DOCUMENTS + place);
  for (const entry of await log.entries(LOG, leaves)) {
    const canonical = utf8(entry?.canonical ?? "");
    if (entry?.leafIndex === hidden) made.skip();
    else made.add({ canonical, leafHash: logFormat(format, nodeSha256).leafHash(canonical) });
  }
  return made;
}

async function storedIn({ blocks }: OpenedStore): Promise<readonly SegmentBlocks[]> {
  const rows = await blocks.segments(LOG);
  const read = rows.map(async (row): Promise<SegmentBlocks> => {
    const ids = Array.from({ length: row.blocks }, (_, block) => ({ level: row.level, number: row.number, block }));
    const contents = await blocks.blocks(LOG, ids);
    return { ...row, contents: contents.map((block) => block ?? new Uint8Array()) };
  });
  return Promise.all(read);
}
