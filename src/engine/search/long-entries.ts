import { LRUCache } from "lru-cache";
import { digestBytes, utf8 } from "../../core/bytes.js";
import { bitsBetween, isEmpty } from "../../core/segment/bits.js";
import type { SegmentFilter } from "../../core/segment/filter.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { SegmentReader, type BlockSource } from "../../core/segment/read.js";
import { evaluated, type LongMatcher, type Steps } from "./matches.js";
import type { EntryText } from "./log-rows.js";
import { SegmentMaker } from "./segment-maker.js";

/** Entries of which a segment is kept, for the next one who asks about them. */
const KEPT = 16;

/** Matches long entries by their own text, which a thread cuts into words. It begins with the first. */
export class LongEntries implements LongMatcher {
  readonly #maker = new SegmentMaker();
  readonly #segments = new LRUCache<string, Promise<BlockSource>>({ max: KEPT });

  /** Rejects when the thread ends, and with the reason of the signal. */
  async matches(filter: SegmentFilter, entry: EntryText, steps: Steps): Promise<boolean> {
    const reader = new SegmentReader(await this.#segment(entry)); // of its own: what is found is kept with it
    const session = { read: <T>(run: (reader: SegmentReader) => T) => Promise.resolve(run(reader)) };
    return !isEmpty((await evaluated(filter, session, steps)).evaluation.bits(0, FIRST_DOCUMENT));
  }

  close(): Promise<void> {
    return this.#maker.close();
  }

  /** Of level 0, over this entry alone, its first document. */
  #segment({ canonical, hash }: EntryText): Promise<BlockSource> {
    const known = this.#segments.get(hash);
    if (known !== undefined) return known;
    const entry = { canonical: utf8(canonical), leafHash: digestBytes(hash) };
    const made = this.#maker.base(0, [[entry]]).then(memorySource);
    this.#segments.set(hash, made);
    made.catch(() => this.#segments.delete(hash));
    return made;
  }
}

const FIRST_DOCUMENT = bitsBetween(0, 1);
