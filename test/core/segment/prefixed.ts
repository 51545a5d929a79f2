import type { Posting } from "../../../src/core/segment/dictionary.js";
import type { SegmentReader } from "../../../src/core/segment/read.js";

/** The entries of a dictionary block whose terms begin with these bytes; `isLast`: the next block has none. */
export function prefixedIn(reader: SegmentReader, block: number, prefix: Uint8Array) {
  const entries: { readonly term: Uint8Array; readonly posting: Posting }[] = [];
  const isLast = reader.eachPrefixed(block, prefix, (posting, term) => {
    entries.push({ term: term(), posting });
  });
  return { entries, isLast };
}
