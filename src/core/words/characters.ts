import { CLASS_RUNS, FOLDING_RUNS, FOLDING_TEXTS } from "./unicode.js";

/** What a code point is to words, in the pinned version of Unicode: the engine's own tables differ between versions. */
export const CharacterClass = {
  /** Assigned, and no letter, mark or number. */
  separator: 0,
  /** A letter, mark or number of a script that writes blanks between words. */
  letter: 1,
  /** A letter, mark or number of Han, kana, Thai, Lao, Khmer or Burmese: a word by itself. */
  alone: 2,
  /** Default_Ignorable_Code_Point: invisible, so it must not hide a word from a search. */
  ignorable: 3,
  /** Not assigned in the pinned version: separates, whatever a later version makes of it. */
  unassigned: 4,
} as const;

const CODE_POINTS = 0x110000;

const CLASSES = classesOf(CLASS_RUNS);
const FOLDINGS = foldingsOf(FOLDING_RUNS, FOLDING_TEXTS);

/** The CharacterClass of a code point. */
export function characterClass(codePoint: number): number {
  return CLASSES[codePoint] ?? CharacterClass.separator;
}

/**
 * A text as words compare it: what is unassigned is a blank, what is ignorable is left out, and the rest is folded for
 * the compatibility caseless match of Unicode (section 3.13, D146), composed at the end. Of assigned characters alone,
 * normalization is the same in every later version (Unicode's stability policies).
 */
export function foldedText(text: string): string {
  const decomposed = visible(text).normalize("NFD");
  return caseFolded(caseFolded(decomposed).normalize("NFKD")).normalize("NFKC");
}

function visible(text: string): string {
  let result = "";
  for (const character of text) {
    const kind = characterClass(character.codePointAt(0) ?? 0);
    if (kind === CharacterClass.unassigned) result += " ";
    else if (kind !== CharacterClass.ignorable) result += character;
  }
  return result;
}

function caseFolded(text: string): string {
  let result = "";
  for (const character of text) result += FOLDINGS.get(character) ?? character;
  return result;
}

function classesOf(runs: string): Uint8Array {
  const classes = new Uint8Array(CODE_POINTS);
  let start = 0;
  for (const run of runs.split(" ")) {
    const end = start + parseInt(run.slice(1), 36);
    classes.fill(Number(run.charAt(0)), start, end);
    start = end;
  }
  return classes;
}

function foldingsOf(runs: string, texts: string): ReadonlyMap<string, string> {
  const foldings = new Map<string, string>();
  let start = 0;
  for (const run of runs.split(" ")) {
    const [gap = 0, more = 0, step = 0, delta = 0] = numbers(run);
    start += gap;
    for (let at = start; at <= start + more * step; at += step)
      foldings.set(String.fromCodePoint(at), String.fromCodePoint(at + delta));
  }
  for (const text of texts.split(" ")) {
    const [from = 0, ...to] = numbers(text);
    foldings.set(String.fromCodePoint(from), String.fromCodePoint(...to));
  }
  return foldings;
}

function numbers(text: string): readonly number[] {
  return text.split(",").map((number) => parseInt(number, 36));
}
