import { both, noBits, NO_BITS, set, setPlaces, type PieceBits } from "./bits.js";
import { PositionKind } from "./format.js";
import type { Positions } from "./posting-view.js";
import type { Postings } from "./word-lookup.js";

/**
 * The documents of a piece, among some that each have all words, in which the words are adjacent and in this order.
 * Every word has at least one posting there.
 */
export function adjacentIn(words: readonly Postings[], piece: number, together: PieceBits): PieceBits {
  const candidates = setPlaces(together);
  if (candidates.length === 0) return NO_BITS;
  const positions = words.map((word) => positionsIn(word, { piece, together, candidates }));
  const start = fixedStart(positions);
  const bits = noBits();
  for (let place = 0; place < candidates.length; place++) {
    const isPhrase = start === undefined ? hasPhrase(positions, place) : isPhraseAt(positions, place, start);
    if (isPhrase) set(bits, candidates[place] ?? 0);
  }
  return bits;
}

/** If every document has each word once, at the same position, adjacency is decided for the whole segment. */
export function constantOrder(words: readonly Postings[]): "adjacent" | "apart" | undefined {
  const positions: number[] = [];
  for (const { only } of words) {
    if (only?.posting.positionKind !== PositionKind.constant) return undefined;
    positions.push(only.posting.position);
  }
  const [first = 0] = positions;
  return positions.every((position, place) => position === first + place) ? "adjacent" : "apart";
}

interface Candidates {
  readonly piece: number;
  readonly together: PieceBits;
  /** The documents of `together`, rising. */
  readonly candidates: readonly number[];
}

/** The positions of a word in each candidate; or the only one, at which each has it. */
type WordPositions = Positions | number;

function positionsIn(word: Postings, { piece, together, candidates }: Candidates): WordPositions {
  const [view, more] = word.views(piece);
  if (view !== undefined && more === undefined) {
    const { positionKind, position } = view.posting;
    return positionKind === PositionKind.constant ? position : view.positions(piece, candidates);
  }
  const places = new Map(candidates.map((document, place) => [document, place]));
  const byPlace = candidates.map((): number[] => []);
  for (const one of word.views(piece)) {
    const documents = setPlaces(both(together, one.bits(piece)));
    const { ends, values } = one.positions(piece, documents);
    documents.forEach((document, i) => {
      for (let at = i === 0 ? 0 : (ends[i - 1] ?? 0); at < (ends[i] ?? 0); at++)
        byPlace[places.get(document) ?? 0]?.push(values[at] ?? 0);
    });
  }
  let end = 0;
  const ends = Uint32Array.from(byPlace, (values) => (end += values.length));
  return { ends, values: byPlace.flat() };
}

/** Where the phrase must begin in every document, if that is known of one of its words. */
function fixedStart(words: readonly WordPositions[]): number | undefined {
  for (const [place, word] of words.entries()) if (typeof word === "number") return word - place;
  return undefined;
}

/** Whether in the document at a place some position of the first word is followed by one of each next word. */
function hasPhrase(words: readonly WordPositions[], place: number): boolean {
  const [first] = words;
  if (first === undefined || typeof first === "number") return false;
  const { ends, values } = first;
  for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++)
    if (isPhraseAt(words, place, values[at] ?? 0)) return true;
  return false;
}

function isPhraseAt(words: readonly WordPositions[], place: number, start: number): boolean {
  for (let next = 0; next < words.length; next++) {
    const word = words[next];
    if (word === undefined || !includes(word, place, start + next)) return false;
  }
  return true;
}

function includes(word: WordPositions, place: number, position: number): boolean {
  if (typeof word === "number") return word === position;
  const { ends, values } = word;
  for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++)
    if (values[at] === position) return true;
  return false;
}
