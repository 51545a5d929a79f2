/** A word is cut after this many characters, in the index and in queries alike. */
export const MAX_WORD_CHARACTERS = 128;

/** With the `u` flag a dot is a whole character, never half a surrogate pair. */
const FIRST_CHARACTERS = new RegExp(`^.{0,${MAX_WORD_CHARACTERS}}`, "su");

const ASCII = /^[\0-\x7f]*$/;
const ASCII_WORD = /[a-z0-9]+/g;

/** Chinese and Japanese write no blanks between words: each character is a word, and a phrase finds several. */
const IDEOGRAPH = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\u30fc`;
const WORD = new RegExp(String.raw`[${IDEOGRAPH}]|(?:(?![${IDEOGRAPH}])[\p{L}\p{M}\p{N}])+`, "gu");

/** Zero-width blanks, joiners, soft hyphens, variation selectors: unseen in a text, so they must not hide a word from a search. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}+/gu;

/** The escapes of canonical JSON. Each stands for a character that separates words. */
const JSON_ESCAPE = /\\(?:u[0-9a-f]{4}|.)/g;

/**
 * The words of a text, in order: what the index holds and what a query asks for.
 * Maximal runs of letters, marks and numbers after NFKC and lower case; everything else separates, `_` included.
 */
export function words(text: string): readonly string[] {
  if (!ASCII.test(text)) return cutLong(folded(text).match(WORD) ?? []);
  const found = text.toLowerCase().match(ASCII_WORD) ?? [];
  return text.length > MAX_WORD_CHARACTERS ? cutLong(found) : found;
}

/** The words of an object, given its canonical JSON text: its keys and values in the order of that text. */
export function jsonWords(canonical: string): readonly string[] {
  return words(canonical.includes("\\") ? canonical.replace(JSON_ESCAPE, " ") : canonical);
}

/** NFKC once more at the end, because lower case can decompose a character; the final sigma is a sigma in every word. */
function folded(text: string): string {
  return text.replace(UNSEEN, "").normalize("NFKC").toLowerCase().replaceAll("ς", "σ").normalize("NFKC");
}

function cutLong(found: readonly string[]): readonly string[] {
  return found.some((word) => word.length > MAX_WORD_CHARACTERS)
    ? found.map((word) => FIRST_CHARACTERS.exec(word)?.[0] ?? "")
    : found;
}
