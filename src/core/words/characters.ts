import { normalized } from "./normalized.js";
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
/** Beside its class: a code point that case folding changes. */
const FOLDS = 8;

const CLASSES = classesOf(CLASS_RUNS);
const FOLDINGS = foldingsOf(FOLDING_RUNS, FOLDING_TEXTS);
for (const folded of FOLDINGS.keys()) CLASSES[folded] = FOLDS | characterClass(folded);

/** The CharacterClass of a code point. */
export function characterClass(codePoint: number): number {
  return (CLASSES[codePoint] ?? CharacterClass.separator) & ~FOLDS;
}

/**
 * A text as words compare it: what is unassigned is a blank, what is ignorable is left out, and the rest is folded for
 * the compatibility caseless match of Unicode (section 3.13, D146), composed at the end. Of assigned characters alone,
 * normalization is the same in every later version (Unicode's stability policies). Takes time by the length of the result.
 */
export function foldedText(text: string): string {
  const decomposed = normalized(replaced(text, visible), "NFD");
  return replaced(normalized(replaced(decomposed, caseFolded), "NFKD"), caseFolded).normalize("NFKC");
}

function visible(codePoint: number): string | undefined {
  const kind = characterClass(codePoint);
  if (kind === CharacterClass.unassigned) return " ";
  return kind === CharacterClass.ignorable ? "" : undefined;
}

function caseFolded(codePoint: number): string | undefined {
  return ((CLASSES[codePoint] ?? 0) & FOLDS) === 0 ? undefined : FOLDINGS.get(codePoint);
}

/** UTF-16 units that become a text at once. */
const CHUNK = 4096;

/** A text with some code points replaced; `other` gives undefined for what stays. */
function replaced(text: string, other: (codePoint: number) => string | undefined): string {
  const unchanged = firstReplaced(text, other);
  if (unchanged === text.length) return text;
  let result = text.slice(0, unchanged);
  let units: number[] = [];
  for (let at = unchanged; at < text.length; at++) {
    const codePoint = text.codePointAt(at) ?? 0;
    const replacement = other(codePoint);
    if (replacement === undefined) units.push(text.charCodeAt(at));
    else for (let i = 0; i < replacement.length; i++) units.push(replacement.charCodeAt(i));
    if (codePoint > 0xffff) at += 1;
    if (codePoint > 0xffff && replacement === undefined) units.push(text.charCodeAt(at));
    if (units.length < CHUNK) continue;
    result += String.fromCharCode(...units);
    units = [];
  }
  return result + String.fromCharCode(...units);
}

function firstReplaced(text: string, other: (codePoint: number) => string | undefined): number {
  for (let at = 0; at < text.length; at++) {
    const codePoint = text.codePointAt(at) ?? 0;
    if (other(codePoint) !== undefined) return at;
    if (codePoint > 0xffff) at += 1;
  }
  return text.length;
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

function foldingsOf(runs: string, texts: string): ReadonlyMap<number, string> {
  const foldings = new Map<number, string>();
  let start = 0;
  for (const run of runs.split(" ")) {
    const [gap = 0, more = 0, step = 0, delta = 0] = numbers(run);
    start += gap;
    for (let at = start; at <= start + more * step; at += step) foldings.set(at, String.fromCodePoint(at + delta));
  }
  for (const text of texts.split(" ")) {
    const [from = 0, ...to] = numbers(text);
    foldings.set(from, String.fromCodePoint(...to));
  }
  return foldings;
}

function numbers(text: string): readonly number[] {
  return text.split(",").map((number) => parseInt(number, 36));
}
