import { EVENT_FIELDS } from "../../core/event.js";
import { utf8 } from "../../core/bytes.js";
import type { SegmentFilter } from "../../core/segment/filter.js";
import { leafTerm, presenceTerm, valueTerm, wordTerm } from "../../core/words/terms.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

/**
 * The terms that a filter looks up in a segment's dictionary, or what they begin with: those blocks are read before they
 * are asked for one by one.
 */
export function termsOf(filter: SegmentFilter): readonly Uint8Array[] {
  switch (filter.kind) {
    case "phrase":
      return phraseTerms(filter);
    case "exact":
      return [valueTerm(filter.value, filter.field, nodeSha256)];
    case "present":
      return [presenceTerm(filter.field)];
    case "leaf":
      return [leafTerm(filter.hash)];
    case "and":
    case "or":
      return filter.filters.flatMap(termsOf);
    case "not":
      return termsOf(filter.filter);
    case "all":
    case "time":
      return [];
  }
}

/** Fields of one word are neighbours, so the first and the last name the blocks. */
function phraseTerms({ field, words, prefix }: SegmentFilter & { readonly kind: "phrase" }): readonly Uint8Array[] {
  return words.flatMap((word, place) => {
    if (prefix && place === words.length - 1) return [utf8(word)];
    return (field === undefined ? ENDS : [field]).map((name) => wordTerm(word, name));
  });
}

const ENDS = [EVENT_FIELDS[0], EVENT_FIELDS[EVENT_FIELDS.length - 1] ?? EVENT_FIELDS[0]];
