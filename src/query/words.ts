/** Words are cut after this many characters, in the index and in queries alike. */
export const MAX_WORD_CHARACTERS = 128;

/** With the `u` flag a dot is a whole character, never half a surrogate pair. */
const FIRST_CHARACTERS = new RegExp(`^.{0,${MAX_WORD_CHARACTERS}}`, "su");

const ASCII = /^[\0-\x7f]*$/;
const ASCII_WORD = /[a-z0-9]+/g;

/** Chinese and Japanese write no blanks between words: each character is a word, and a phrase matches several. */
const IDEOGRAPH = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\u30fc`;
const WORD = new RegExp(String.raw`[${IDEOGRAPH}]|(?:(?![${IDEOGRAPH}])[\p{L}\p{M}\p{N}])+`, "gu");

/**
 * Zero-width blanks, joiners, soft hyphens, variation selectors: invisible, so they must not hide a word from a search.
 */
const UNSEEN = /\p{Default_Ignorable_Code_Point}+/gu;

/** The escapes of canonical JSON. Each stands for a character that separates words. */
const JSON_ESCAPE = /\\(?:u[0-9a-f]{4}|.)/g;

/**
 * Splits a text into words, in order, for the index and for queries alike: maximal runs of letters, marks and numbers
 * after NFKC and lower case. Everything else separates, `_` included.
 */
export function words(text: string): readonly string[] {
  if (!ASCII.test(text)) return cutLong(folded(text).match(WORD) ?? []);
  const found = text.toLowerCase().match(ASCII_WORD) ?? [];
  return text.length > MAX_WORD_CHARACTERS ? cutLong(found) : found;
}

/** The words of an object from its canonical JSON text: keys and values in the order of that text. */
export function jsonWords(canonical: string): readonly string[] {
  return words(canonical.includes("\\") ? canonical.replace(JSON_ESCAPE, " ") : canonical);
}

/**
 * NFKC runs again at the end because lower case can decompose a character; the final sigma becomes a plain sigma
 * everywhere.
 */
function folded(text: string): string {
  return text.replace(UNSEEN, "").normalize("NFKC").toLowerCase().replaceAll("ς", "σ").normalize("NFKC");
}

function cutLong(found: readonly string[]): readonly string[] {
  return found.some((word) => word.length > MAX_WORD_CHARACTERS)
    ? found.map((word) => FIRST_CHARACTERS.exec(word)?.[0] ?? "")
    : found;
}
