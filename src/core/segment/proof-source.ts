import { checkDictionary } from "./dictionary.js";
import { compareBytes, MalformedSegment, segmentDocuments, type SegmentHeader } from "./format.js";
import type { BlockSource } from "./read.js";

/** Thrown where a search reads a block that a proof does not hold. */
export class MissingBlock extends Error {
  constructor() {
    super("the proof lacks a block that the search reads");
    this.name = "MissingBlock";
  }
}

/** A dictionary block: terms from its first up to its fence are in it or nowhere. */
interface Reach {
  readonly number: number;
  readonly first: Uint8Array;
  /** Undefined in the last block. */
  readonly fence: Uint8Array | undefined;
}

/** The blocks of a segment that a proof holds; their hashes were checked. */
export class ProvenSource implements BlockSource {
  readonly #reaches: readonly Reach[];

  /** Throws MalformedSegment where dictionary blocks contradict each other or the header. */
  constructor(
    private readonly blocks: ReadonlyMap<number, Uint8Array>,
    header: SegmentHeader,
  ) {
    const { dictionaryBlocks } = header;
    this.#reaches = [...blocks]
      .filter(([number]) => number >= 1 && number <= dictionaryBlocks)
      .map(([number, block]) => reachOf(number, block, header));
    this.#reaches.forEach(({ number, fence }, place) => {
      const next = this.#reaches[place + 1];
      if ((fence === undefined) !== (number === dictionaryBlocks)) throw new MalformedSegment("a fence out of place");
      if (fence === undefined || next === undefined) return;
      const order = compareBytes(fence, next.first);
      if (next.number === number + 1 ? order !== 0 : order >= 0) throw new MalformedSegment("blocks out of order");
    });
  }

  block(number: number): Uint8Array {
    const block = this.blocks.get(number);
    if (block === undefined) throw new MissingBlock();
    return block;
  }

  /** Without a directory: the block whose range holds the term, or else the first, which has nothing before it. */
  locate(term: Uint8Array): number {
    for (const { number, first, fence } of this.#reaches) {
      const begins = number === 1 || compareBytes(first, term) <= 0;
      if (begins && (fence === undefined || compareBytes(term, fence) < 0)) return number;
    }
    throw new MissingBlock();
  }
}

function reachOf(number: number, block: Uint8Array, { level }: SegmentHeader): Reach {
  const { entries, fence } = checkDictionary(block, segmentDocuments(level));
  return { number, first: entries[0]?.term ?? new Uint8Array(), fence };
}
