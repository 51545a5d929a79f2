import { readEnvelope } from "../../core/envelope.js";
import { EVENT_FIELDS, fieldText, type AuditEvent } from "../../core/event.js";
import { sortKey } from "../../query/order.js";
import { jsonWords, MAX_WORD_CHARACTERS, words } from "../../query/words.js";
import type { SqlValue } from "./driver.js";
import { SORTED_FIELDS } from "./index-file.js";
import { EVERY_ENTRY, leafToken, valueToken } from "./index-token.js";
import type { LoggedEntry } from "./log-follower.js";

/** U+0000 apart, at which SQLite ends a text. */
const ASCII = /^[\x01-\x7f]*$/;
const LONG_WORD = new RegExp(`[A-Za-z0-9]{${MAX_WORD_CHARACTERS + 1}}`);

/** One entry as the index keeps it: the values of a row of `search` and of a row of `docs`, each after the row id. */
export interface IndexDocument {
  readonly search: readonly SqlValue[];
  readonly docs: readonly SqlValue[];
}

/** An entry that is not an envelope gets no words: it stays findable by its leaf hash, and is never served as genuine. */
export function indexDocument({ canonical, leafHash }: LoggedEntry): IndexDocument {
  const event = readEnvelope(canonical)?.event;
  return { search: searchValues(event, leafHash), docs: sortKeys(event) };
}

function searchValues(event: AuditEvent | undefined, leafHash: Uint8Array): readonly SqlValue[] {
  let tokens = `${EVERY_ENTRY} ${leafToken(leafHash)}`;
  const words = EVENT_FIELDS.map((field) => {
    const value = event?.[field];
    if (value === undefined) return null;
    const text = fieldText(value);
    tokens += ` ${valueToken(field, text)}`;
    return typeof value === "string" ? wordColumn(value) : jsonWords(text).join(" ");
  });
  return [...words, tokens];
}

/** ASCII that the tokenizer would cut into the very same words goes to it uncut, which halves the work of a document. */
function wordColumn(text: string): string {
  return ASCII.test(text) && !LONG_WORD.test(text) ? text : words(text).join(" ");
}

function sortKeys(event: AuditEvent | undefined): readonly SqlValue[] {
  return SORTED_FIELDS.map((field) => (event === undefined ? "" : sortKey(event, field)));
}
