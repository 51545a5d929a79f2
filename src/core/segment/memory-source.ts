import { compareBytes, type Segment } from "./format.js";
import type { BlockSource } from "./read.js";

/** A segment whose blocks are all in memory. Throws a RangeError for a block that it does not have. */
export function memorySource({ blocks, directory }: Segment): BlockSource {
  return {
    block(number) {
      const block = blocks[number];
      if (block === undefined) throw new RangeError(`the segment has ${blocks.length} blocks, not block ${number}`);
      return block;
    },
    locate(term) {
      let [low, high] = [0, directory.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareBytes(directory[middle] ?? term, term) <= 0) low = middle + 1;
        else high = middle;
      }
      return Math.max(1, low);
    },
  };
}
