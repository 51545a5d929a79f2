import { LRUCache } from "lru-cache";
import type { BlockId, BlockStore, SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import { utf8 } from "../../core/bytes.js";
import type { SegmentFilter } from "../../core/segment/filter.js";
import { MalformedSegment } from "../../core/segment/format.js";
import { SegmentReader, type BlockSource } from "../../core/segment/read.js";
import { leavesOf } from "../../core/segment/search.js";
import type { LeafRange } from "../../core/tree.js";
import { CUSTOM, leafTerm, presenceTerm, valueTerm, wordTerm } from "../../core/words/words.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { Outline } from "./outline.js";

/** What is in memory of the stored segments of all logs. */
export interface BlockCache {
  readonly blocks: LRUCache<string, Uint8Array>;
  /** Apart, for no block is used without its segment's: four bytes for each entry of a log. */
  readonly outlines: LRUCache<string, Outline>;
}

/** What an entry of the cache takes beside its bytes. */
const ENTRY_BYTES = 200;
/** Enough for the outlines of 67 million entries. */
const OUTLINE_BYTES = 2 ** 28;

/** `maxBytes`: of blocks. */
export function blockCache(maxBytes: number): BlockCache {
  return {
    blocks: new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ length }) => ENTRY_BYTES + length }),
    outlines: new LRUCache({ maxSize: OUTLINE_BYTES, sizeCalculation: ({ bytes }) => ENTRY_BYTES + bytes.length }),
  };
}

/** Blocks read at once from where the first one is missing, doubled each time: what is read on and on takes few reads. */
const FIRST_AHEAD = 2;
const MOST_AHEAD = 64;

/** Thrown when a segment cannot be read: it was merged away meanwhile, or is damaged. */
export class SegmentLost extends Error {
  constructor(readonly segment: StoredSegment) {
    super(`segment ${segment.level}/${segment.number} of the search index cannot be read`);
    this.name = "SegmentLost";
  }
}

class BlockMissing extends Error {
  constructor(readonly block: number) {
    super(`block ${block} is not in memory`);
  }
}

/** A segment as one search reads it. */
export interface SegmentSession {
  /** Runs `run`, again from its start when a block had to be fetched. Rejects with SegmentLost. */
  read<T>(run: (reader: SegmentReader) => T): Promise<T>;
}

export interface ReadableSegment {
  readonly range: LeafRange;
  /** `blocksRead`: takes each block that the session's reads come upon, by its number. */
  session(blocksRead?: BlocksRead): SegmentSession;
}

type Fetched = readonly (Uint8Array | undefined)[];

export type BlocksRead = Pick<Map<number, Uint8Array>, "set">;

/** Where the segments of one log lie. */
export interface SegmentHome {
  readonly log: string;
  readonly blocks: BlockStore;
  readonly cache: BlockCache;
}

/** A stored segment. Each block is checked when it is fetched. */
export class OpenSegment implements ReadableSegment {
  readonly range: LeafRange;
  readonly #key: string;

  constructor(
    readonly row: StoredSegment,
    private readonly home: SegmentHome,
  ) {
    this.range = leavesOf(row);
    this.#key = Buffer.from(row.digest).toString("latin1");
  }

  session(blocksRead?: BlocksRead): SegmentSession {
    const held = new Map<number, Uint8Array>(); // the cache may be smaller than what one search needs
    let reader: SegmentReader | undefined;
    return {
      read: async (run) => {
        const outline = await this.readOutline();
        for (let ahead = FIRST_AHEAD; ; ahead = Math.min(2 * ahead, MOST_AHEAD)) {
          try {
            return run((reader ??= this.#reader(this.#source(outline, held, blocksRead))));
          } catch (error) {
            if (error instanceof MalformedSegment) throw new SegmentLost(this.row);
            if (!(error instanceof BlockMissing)) throw error;
            const end = Math.min(error.block + ahead, this.row.blocks - 1);
            const wanted = Array.from({ length: end - error.block }, (_, place) => error.block + place);
            const fetched = await this.fetch(wanted.map(this.blockId));
            wanted.forEach((number, place) => held.set(number, this.take(outline, number, fetched[place])));
          }
        }
      },
    };
  }

  readonly blockId = (block: number): BlockId => ({ level: this.row.level, number: this.row.number, block });

  get outlineId(): BlockId {
    return this.blockId(this.row.blocks - 1);
  }

  get outline(): Outline | undefined {
    return this.home.cache.outlines.get(this.#key);
  }

  hasInMemory(block: number): boolean {
    return this.home.cache.blocks.has(this.#blockKey(block));
  }

  takeOutline(bytes: Uint8Array | undefined): Outline {
    const outline = bytes && Outline.read(bytes, this.row.digest);
    if (outline === undefined) throw new SegmentLost(this.row);
    this.home.cache.outlines.set(this.#key, outline);
    return outline;
  }

  fetch(ids: readonly BlockId[]): Promise<Fetched> {
    return this.home.blocks.blocks(this.home.log, ids);
  }

  /** With every block, unchecked. Rejects with SegmentLost. */
  async whole(): Promise<SegmentBlocks> {
    return { ...this.row, contents: await this.run(0, this.row.blocks) };
  }

  /** So many blocks from one on, unchecked; they are not kept. Rejects with SegmentLost. */
  async run(first: number, count: number): Promise<readonly Uint8Array[]> {
    const ids = Array.from({ length: count }, (_, place) => this.blockId(first + place));
    const blocks = (await this.fetch(ids)).filter((block) => block !== undefined);
    if (blocks.length < count) throw new SegmentLost(this.row);
    return blocks;
  }

  /** Checks a fetched block, by the outline that the caller holds, and keeps it. Throws SegmentLost. */
  take(outline: Outline, number: number, block: Uint8Array | undefined): Uint8Array {
    if (block === undefined || !outline.hasBlock(number, block)) throw new SegmentLost(this.row);
    this.home.cache.blocks.set(this.#blockKey(number), block);
    return block;
  }

  /** From memory, or else the store. Rejects with SegmentLost. */
  readonly readOutline = async (): Promise<Outline> => {
    if (this.outline !== undefined) return this.outline;
    const [bytes] = await this.fetch([this.outlineId]);
    return this.takeOutline(bytes);
  };

  /** Throws SegmentLost where the list names another segment than the blocks are. */
  #reader(source: BlockSource): SegmentReader {
    const reader = new SegmentReader(source);
    const { level, number } = reader.header;
    if (level !== this.row.level || number !== this.row.number) throw new SegmentLost(this.row);
    return reader;
  }

  #source(outline: Outline, held: Map<number, Uint8Array>, blocksRead: BlocksRead | undefined): BlockSource {
    return {
      block: (number) => {
        const block = held.get(number) ?? this.home.cache.blocks.get(this.#blockKey(number));
        if (block === undefined) throw new BlockMissing(number);
        held.set(number, block);
        blocksRead?.set(number, block);
        return block;
      },
      locate: (term) => outline.locate(term),
    };
  }

  #blockKey(number: number): string {
    return `${this.#key}/${number}`;
  }
}

/** Fetches what looking terms up in these segments needs, in two reads. */
export async function prefetch(segments: readonly OpenSegment[], terms: readonly Uint8Array[]): Promise<void> {
  const [first] = segments;
  if (first === undefined) return;
  const without = segments.filter(({ outline }) => outline === undefined);
  const read = without.length === 0 ? [] : await first.fetch(without.map(({ outlineId }) => outlineId));
  const outlines = new Map(without.map((segment, place) => [segment, segment.takeOutline(read[place])]));
  const wanted = segments.flatMap((segment) => {
    const outline = segment.outline ?? outlines.get(segment);
    if (outline === undefined) return []; // the cache gave it up meanwhile: its blocks are read one by one
    const numbers = new Set([0, ...terms.map((term) => outline.locate(term))]);
    const missing = [...numbers].filter((number) => !segment.hasInMemory(number));
    return missing.map((number) => ({ segment, outline, number }));
  });
  if (wanted.length === 0) return;
  const blocks = await first.fetch(wanted.map(({ segment, number }) => segment.blockId(number)));
  wanted.forEach(({ segment, outline, number }, place) => {
    segment.take(outline, number, blocks[place]);
  });
}

/**
 * The terms that a filter looks up in a segment's dictionary, or what they begin with: those blocks are read before they
 * are asked for one by one.
 */
export function termsOf(filter: SegmentFilter): readonly Uint8Array[] {
  switch (filter.kind) {
    case "phrase":
      return phraseTerms(filter);
    case "exact":
      return [valueTerm(filter.value, filter.field, nodeSha256)];
    case "present":
      return [presenceTerm(filter.field)];
    case "leaf":
      return [leafTerm(filter.hash)];
    case "and":
    case "or":
      return filter.filters.flatMap(termsOf);
    case "not":
      return termsOf(filter.filter);
    case "all":
    case "time":
      return [];
  }
}

/** Fields of one word are neighbours, so the first and the last name the blocks. */
function phraseTerms({ field, words, prefix }: SegmentFilter & { readonly kind: "phrase" }): readonly Uint8Array[] {
  return words.flatMap((word, place) => {
    if (prefix && place === words.length - 1) return [utf8(word)];
    return field === undefined ? ENDS.map((end) => Uint8Array.of(...utf8(word), 0, end)) : [wordTerm(word, field)];
  });
}

/** What no field comes before, and none behind. */
const ENDS = [1, CUSTOM + 1];
