import { hash } from "node:crypto";
import type { EventField } from "../../core/event.js";

/**
 * Begins every token of the `tokens` column. Not a letter, mark or number, so no word of a user can be one of ours; not
 * ASCII, so the `ascii` tokenizer keeps it in the token.
 */
const MARK = "¦";

/** Carried by every entry: `everything` minus the matches of a filter is its negation. */
export const EVERY_ENTRY = MARK;

/** 128 bits of a hash: two values that share them cannot be found, and a token stays short. */
const TOKEN_DIGITS = 32;

/** One letter per field. They are in index files: a change needs a new version of the index schema. */
const FIELD_LETTERS: Readonly<Record<EventField, string>> = {
  message: "m",
  actor: "a",
  action: "c",
  new: "n",
  old: "o",
  source: "s",
  status: "u",
  target: "t",
  timestamp: "w",
  tenant_id: "i",
};

const LEAF_LETTER = "h";

/** The token of a field's whole value. Hashed, because the tokenizer folds case and splits at punctuation. */
export function valueToken(field: EventField, value: string): string {
  return MARK + FIELD_LETTERS[field] + hash("sha256", value, "hex").slice(0, TOKEN_DIGITS);
}

/** The token of a leaf hash of 32 bytes. */
export function leafToken(leafHash: Uint8Array): string {
  return MARK + LEAF_LETTER + Buffer.from(leafHash.subarray(0, TOKEN_DIGITS / 2)).toString("hex");
}
