import type { Facet, FacetField, FacetRequest } from "../../audit/breakdown.js";
import { utf8Text } from "../../core/bytes.js";
import { both, countBits, setPlaces, type PieceBits } from "../../core/segment/bits.js";
import { compareBytes, PIECE_DOCUMENTS } from "../../core/segment/format.js";
import { Heap } from "../../core/segment/heap.js";
import { countAmong } from "../../core/segment/posting-count.js";
import { PostingView } from "../../core/segment/posting-view.js";
import type { SegmentReader } from "../../core/segment/read.js";
import { fieldKey, TermTag, valuePrefix, valueTerm } from "../../core/words/words.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { corruptMatch, soundMatches } from "./counts.js";
import { readRowsAt, READ_ENTRIES, type LogRow } from "./log-rows.js";
import { countOf, Steps, type PieceFound, type SearchedLog, type Sought } from "./matches.js";
import type { ReadableSegment } from "./open-segment.js";

/** A value by its term, by which all parts of a log order and name it. */
interface CountedValue {
  readonly term: Uint8Array;
  readonly count: number;
  /** Of a match that has it. */
  readonly leaf: number;
}

/**
 * The most frequent values of a field among the matches. A segment lists every value with the documents that have it,
 * rising, so the lists of all segments are read side by side: what is in memory does not grow with the number of values.
 */
export async function topValues(sought: Sought, { field, first }: FacetRequest, searched: SearchedLog): Promise<Facet> {
  const rows = new RowValues(field);
  const segments: SegmentMatches[] = [];
  let matches = 0;
  for await (const found of soundMatches(sought, searched)) {
    matches += countOf(found);
    if (found.kind === "rows") rows.add(found.rows);
    else if (segments.at(-1)?.take(found) !== true) segments.push(new SegmentMatches(found));
  }
  const steps = new Steps(searched.signal);
  const lists = segments.map((segment) => segment.values(field, steps));
  const top: CountedValue[] = [];
  let [present, distinctCount] = [0, 0];
  await eachValue([rows.values(), ...lists], (value) => {
    present += value.count;
    distinctCount += 1;
    top.push(value);
    if (top.length > 2 * first + READ_ENTRIES) keepMostFrequent(top, first);
  });
  keepMostFrequent(top, first);
  const texts = await valueTexts(top, field, searched);
  const values = top.map(({ count }, place) => ({ value: texts[place] ?? "", count }));
  const listed = top.reduce((sum, { count }) => sum + count, 0);
  return { values, distinctCount, otherCount: present - listed, missingCount: matches - present };
}

/** Sorting is stable, so equally frequent ones stay in the order of their terms. */
function keepMostFrequent(values: CountedValue[], most: number): void {
  values.sort((a, b) => b.count - a.count).splice(most);
}

type ValueList = AsyncGenerator<readonly CountedValue[]>;

/** Dictionary blocks that are fetched at once: two, doubled each time, for most fields have few values. */
const FIRST_BLOCKS = 2;
const MOST_BLOCKS = 32;

/** The matches of one segment. */
class SegmentMatches {
  readonly #pieces = new Map<number, PieceBits>();
  readonly #segment: ReadableSegment;
  readonly #start: number;
  #count = 0;

  constructor(found: PieceFound) {
    this.#segment = found.segment;
    this.#start = found.segment.range.start;
    this.take(found);
  }

  /** Whether it is a piece of this segment. */
  take({ segment, piece, bits }: PieceFound): boolean {
    if (segment !== this.#segment) return false;
    const count = countBits(bits);
    if (count > 0) this.#pieces.set(piece, bits);
    this.#count += count;
    return true;
  }

  /** The values of a field that matches have, rising by their terms. */
  async *values(field: FacetField, steps: Steps): ValueList {
    if (this.#count === 0) return;
    for (const tag of [TermTag.value, TermTag.hashedValue])
      yield* this.#beginningWith(Uint8Array.of(tag, ...valuePrefix(fieldKey(field))), steps);
  }

  async *#beginningWith(prefix: Uint8Array, steps: Steps): ValueList {
    let from: number | undefined;
    for (let most = FIRST_BLOCKS; ; most = Math.min(2 * most, MOST_BLOCKS)) {
      const session = this.#segment.session(); // one for some blocks, for it keeps what it reads
      const begin = from;
      const blocks = await session.read((reader) => blocksFrom(reader, begin ?? reader.source.locate(prefix), most));
      for (const block of blocks) {
        const read = await session.read((reader) => this.#counted(reader, block, prefix));
        yield read.values;
        await steps.pause();
        if (read.isLast) return;
        from = block + 1;
      }
      if (blocks.length === 0) return;
    }
  }

  #counted(
    reader: SegmentReader,
    block: number,
    prefix: Uint8Array,
  ): { readonly values: readonly CountedValue[]; readonly isLast: boolean } {
    const values: CountedValue[] = [];
    const isWhole = this.#count === reader.documents;
    const isLast = reader.eachPrefixed(block, prefix, (posting, termOf) => {
      const count = isWhole ? posting.df : countAmong(reader, posting, this.#pieces);
      if (count === 0) return;
      const term = termOf();
      values.push({ term, count, leaf: isRaw(term) ? this.#start : this.#firstIn(new PostingView(reader, posting)) });
    });
    return { values, isLast };
  }

  /** The leaf of a match that has the value; there is one. */
  #firstIn(view: PostingView): number {
    for (const [piece, bits] of this.#pieces) {
      const [document] = setPlaces(both(bits, view.bits(piece)));
      if (document !== undefined) return this.#start + piece * PIECE_DOCUMENTS + document;
    }
    return this.#start;
  }
}

/** The numbers of the next dictionary blocks, all of them fetched. */
function blocksFrom(reader: SegmentReader, first: number, most: number): readonly number[] {
  const { dictionaryBlocks } = reader.header;
  const length = Math.max(0, Math.min(most, dictionaryBlocks + 1 - first));
  const blocks = Array.from({ length }, (_, place) => first + place);
  for (const block of blocks) reader.source.block(block);
  return blocks;
}

/** The values of entries that are in no segment. */
class RowValues {
  readonly #byTerm = new Map<string, CountedValue>();

  constructor(private readonly field: FacetField) {}

  add(rows: readonly LogRow[]): void {
    for (const { event, leafIndex } of rows) {
      const value = event?.[this.field];
      if (value === undefined) continue;
      const term = valueTerm(value, this.field, nodeSha256);
      const key = Buffer.from(term).toString("latin1");
      this.#byTerm.set(key, { term, count: 1 + (this.#byTerm.get(key)?.count ?? 0), leaf: leafIndex });
    }
  }

  async *values(): ValueList {
    yield await Promise.resolve([...this.#byTerm.values()].sort((a, b) => compareBytes(a.term, b.term)));
  }
}

/** Values of one list, one after the other. */
class ListReader {
  #values: readonly CountedValue[] = [];
  #at = 0;

  constructor(private readonly list: ValueList) {}

  get value(): CountedValue | undefined {
    return this.#values[this.#at];
  }

  /** Whether the next value is there already. */
  advance(): boolean {
    this.#at += 1;
    return this.#at < this.#values.length;
  }

  /** Reads on where `advance` found nothing; false at the end. */
  async read(): Promise<boolean> {
    do {
      const next: IteratorResult<readonly CountedValue[]> = await this.list.next();
      if (next.done === true) return false;
      this.#values = next.value;
      this.#at = 0;
    } while (this.#values.length === 0);
    return true;
  }
}

/** Takes the values of all lists, which rise, each once with its counts added up. */
async function eachValue(lists: readonly ValueList[], take: (value: CountedValue) => void): Promise<void> {
  const readers: ListReader[] = [];
  for (const list of lists) {
    const reader = new ListReader(list);
    if (await reader.read()) readers.push(reader);
  }
  const heap = new Heap(readers, (a, b) => compareBytes(termOf(a), termOf(b)) < 0);
  let last: CountedValue | undefined;
  for (let { top } = heap; top?.value !== undefined; { top } = heap) {
    const { value } = top;
    if (last !== undefined && compareBytes(last.term, value.term) === 0)
      last = { ...last, count: last.count + value.count };
    else {
      if (last !== undefined) take(last);
      last = value;
    }
    if (top.advance() || (await top.read())) heap.replace(top);
    else heap.pop();
  }
  if (last !== undefined) take(last);
}

function termOf({ value }: ListReader): Uint8Array {
  return value?.term ?? new Uint8Array();
}

/** Whether the term holds the value itself, and not its hash. */
function isRaw(term: Uint8Array): boolean {
  return term[0] === TermTag.value;
}

/** In the order of the values; those that the index lists by their hash are read from the log. */
async function valueTexts(
  values: readonly CountedValue[],
  field: FacetField,
  searched: SearchedLog,
): Promise<readonly string[]> {
  const hashed = values.filter(({ term }) => !isRaw(term)).map(({ leaf }) => leaf);
  const texts = new Map<number, string | undefined>();
  for (let start = 0; start < hashed.length; start += READ_ENTRIES)
    for (const row of await readRowsAt(searched, hashed.slice(start, start + READ_ENTRIES)))
      texts.set(row.leafIndex, row.event?.[field]);
  const valueAt = 1 + valuePrefix(fieldKey(field)).length; // behind the tag
  return values.map(({ term, leaf }) => {
    const text = isRaw(term) ? utf8Text(term.subarray(valueAt)) : texts.get(leaf);
    if (text === undefined) throw corruptMatch(searched.log, leaf);
    return text;
  });
}
