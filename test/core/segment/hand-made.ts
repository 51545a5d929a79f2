import { utf8 } from "../../../src/core/bytes.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { SegmentWriter } from "../../../src/core/segment/segment-writer.js";

/** A segment with these terms, each in document 0 alone, and these bytes as one of its streams. */
export function handMade(
  level: number,
  terms: readonly string[],
  stream?: { readonly number: number; readonly bytes: Iterable<number> },
): SegmentReader {
  const writer = new SegmentWriter({ level, number: 0 });
  for (const term of terms) {
    writer.posting.bytes(Uint8Array.of(0x10, 0));
    writer.term(utf8(term), utf8(term).length);
  }
  if (stream !== undefined) writer.streams[stream.number]?.bytes(Uint8Array.from(stream.bytes));
  return new SegmentReader(memorySource(writer.finish()));
}
