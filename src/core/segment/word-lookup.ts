import { utf8 } from "../bytes.js";
import { fieldInTerm, wordTerm } from "../words/words.js";
import { addAll, both, either, isEmpty, noBits, NO_BITS, set, type PieceBits } from "./bits.js";
import type { Posting } from "./dictionary.js";
import type { SegmentFilter } from "./filter.js";
import { PIECE_DOCUMENTS, PostingKind } from "./format.js";
import { PostingView } from "./posting-view.js";
import type { SegmentReader } from "./read.js";

/** The inline postings of one piece: a prefix can have thousands of them. */
interface InlineOfPiece {
  readonly bits: Uint32Array;
  readonly views: PostingView[];
}

/** The postings that a search word matches in one field. */
export class Postings {
  /** The sum of their document frequencies. */
  df = 0;
  /** The posting, where there is one. */
  only: PostingView | undefined;
  /** All but those that are inline. */
  readonly #long: PostingView[] = [];
  readonly #inline = new Map<number, InlineOfPiece>();

  /** `inPhrase`: whether its positions will be asked for; if not, no more is kept of an inline posting than its documents. */
  add(reader: SegmentReader, posting: Posting, inPhrase: boolean): void {
    const view = new PostingView(reader, posting);
    if (posting.kind === PostingKind.inline) this.#addInline(view, inPhrase);
    else this.#long.push(view);
    this.only = this.df === 0 ? view : undefined;
    this.df += posting.df;
  }

  #addInline(view: PostingView, inPhrase: boolean): void {
    let last: InlineOfPiece | undefined;
    let lastPiece = -1;
    for (const document of view.documents) {
      const piece = Math.floor(document / PIECE_DOCUMENTS);
      if (piece !== lastPiece || last === undefined) {
        last = this.#inline.get(piece) ?? { bits: noBits(), views: [] };
        if (inPhrase) last.views.push(view);
        this.#inline.set(piece, last);
        lastPiece = piece;
      }
      set(last.bits, document % PIECE_DOCUMENTS);
    }
  }

  bits(piece: number, mask: PieceBits): PieceBits {
    if (isEmpty(mask)) return NO_BITS;
    const inline = this.#inline.get(piece)?.bits ?? NO_BITS;
    const [first, second] = this.#long;
    if (first === undefined) return both(mask, inline);
    if (second === undefined) return both(mask, either(inline, first.bits(piece)));
    const bits = noBits();
    addAll(bits, inline);
    for (const view of this.#long) view.addTo(bits, piece);
    return both(mask, bits);
  }

  /** Those that have documents in a piece, in a phrase. */
  views(piece: number): readonly PostingView[] {
    const inline = this.#inline.get(piece)?.views;
    return inline === undefined ? this.#long : [...inline, ...this.#long];
  }
}

/** A search word and how it matches, with its field as `fieldInTerm` returns it. */
export type FoundWord = ReadonlyMap<string, Postings>;

/** How a word of a phrase is looked up in a dictionary. `field`: as `fieldInTerm` returns it. */
export type SoughtWord =
  | { readonly kind: "term"; readonly term: Uint8Array; readonly field: string }
  | {
      readonly kind: "neighbours";
      /** What the terms begin with. */
      readonly start: Uint8Array;
      /** Undefined: any field. */
      readonly field: string | undefined;
      /** Whether the word is part of a phrase of several words. */
      readonly inPhrase: boolean;
      /** The same for the same word in another phrase. */
      readonly key: string;
    };

type Phrase = SegmentFilter & { readonly kind: "phrase" };

/** Put together once for all segments that a phrase is looked for in. */
const SOUGHT = new WeakMap<Phrase, readonly SoughtWord[]>();

/** What is looked up for each word of a phrase: one term, or in any field, or as a prefix, those that are neighbours. */
export function soughtWords(phrase: Phrase): readonly SoughtWord[] {
  const sought = SOUGHT.get(phrase) ?? phrase.words.map((_, place) => soughtWord(phrase, place));
  SOUGHT.set(phrase, sought);
  return sought;
}

function soughtWord({ field, words, prefix }: Phrase, place: number): SoughtWord {
  const word = words[place] ?? "";
  const isPrefix = prefix && place === words.length - 1;
  if (field !== undefined && !isPrefix) {
    const term = wordTerm(word, field);
    return { kind: "term", term, field: fieldInTerm(term) };
  }
  const start = isPrefix ? utf8(word) : Uint8Array.of(...utf8(word), 0);
  const inField = field === undefined ? undefined : fieldInTerm(wordTerm("", field));
  const inPhrase = words.length > 1;
  const key = JSON.stringify([field, word, isPrefix, inPhrase]);
  return { kind: "neighbours", start, field: inField, inPhrase, key };
}

/** Thrown when looking words up takes longer than allowed. The next evaluation of that reader continues from there. */
export class Unfinished extends Error {
  constructor() {
    super("the words of a prefix are not all looked up yet");
  }
}

/** The number of dictionary blocks that an evaluation may read for its prefixes. */
export interface LookupBudget {
  blocks: number;
}

/** Words found are kept with their reader, because an evaluation that lacked a block starts over. */
const LOOKUPS = new WeakMap<SegmentReader, Map<string, NeighbourLookup>>();

type Neighbours = SoughtWord & { readonly kind: "neighbours" };

/** A word in any field, or what begins with it: their terms are neighbours. Throws Unfinished where the budget ends. */
export function lookUp(sought: Neighbours, reader: SegmentReader, budget: LookupBudget): FoundWord {
  const kept = LOOKUPS.get(reader) ?? new Map<string, NeighbourLookup>();
  LOOKUPS.set(reader, kept);
  const lookup = kept.get(sought.key) ?? new NeighbourLookup(sought, reader);
  kept.set(sought.key, lookup);
  while (!lookup.isDone) {
    if (budget.blocks <= 0) throw new Unfinished();
    lookup.readBlock();
    budget.blocks -= 1;
  }
  return lookup.found;
}

/** The digit 0, before which no word begins, and all other terms do. */
const LEAST_WORD_BYTE = 0x30;

/** Looks neighbouring terms up block by block; a block that is missing changes nothing. */
class NeighbourLookup {
  readonly found = new Map<string, Postings>();
  #next: number | undefined;
  #isDone: boolean;

  constructor(
    private readonly sought: Neighbours,
    private readonly reader: SegmentReader,
  ) {
    this.#isDone = reader.header.dictionaryBlocks === 0;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  readBlock(): void {
    const { start } = this.sought;
    const number = this.#next ?? this.reader.source.locate(start);
    this.#isDone = this.reader.eachPrefixed(number, start, (posting, termOf) => {
      this.#add(posting, termOf());
    });
    this.#next = number + 1;
  }

  #add(posting: Posting, term: Uint8Array): void {
    if ((term[0] ?? 0) < LEAST_WORD_BYTE) return;
    const field = fieldInTerm(term);
    if (this.sought.field !== undefined && field !== this.sought.field) return;
    const known = this.found.get(field);
    const postings = known ?? new Postings();
    if (known === undefined) this.found.set(field, postings);
    postings.add(this.reader, posting, this.sought.inPhrase);
  }
}
