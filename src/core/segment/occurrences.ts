import type { DocumentRange, Group } from "./group.js";

/** The occurrences of terms in a range of a group's documents. */
export interface Occurrences {
  /** The terms in rising order. */
  readonly terms: Int32Array;
  /** Where the occurrences of each end; the first begins at 0. */
  readonly ends: Int32Array;
  /** By occurrence: the document in the range, rising within a term; the position. */
  readonly documents: Uint16Array;
  readonly positions: Int32Array;
}

/** Sorts the terms of a range, and with integers alone its occurrences by them. */
export function occurrencesByTerm(group: Group, range: DocumentRange): Occurrences {
  const { occurrenceTerms, occurrencePositions, starts } = group;
  const first = starts[range.start] ?? 0;
  const last = starts[range.end] ?? 0;
  const counts = group.terms.counts();
  const met = new Int32Array(last - first);
  let distinct = 0;
  for (let at = first; at < last; at++) {
    const term = occurrenceTerms[at] ?? 0;
    const count = counts[term] ?? 0;
    if (count === 0) met[distinct++] = term;
    counts[term] = count + 1;
  }
  const terms = met.subarray(0, distinct);
  group.terms.sort(terms);
  const ends = new Int32Array(distinct);
  for (let rank = 0, end = 0; rank < distinct; rank++) {
    const term = terms[rank] ?? 0;
    const count = counts[term] ?? 0;
    counts[term] = end;
    end += count;
    ends[rank] = end;
  }
  const documents = new Uint16Array(last - first);
  const positions = new Int32Array(last - first);
  for (let document = range.start; document < range.end; document++) {
    const end = starts[document + 1] ?? 0;
    for (let at = starts[document] ?? 0; at < end; at++) {
      const term = occurrenceTerms[at] ?? 0;
      const to = counts[term] ?? 0;
      counts[term] = to + 1;
      documents[to] = document - range.start;
      positions[to] = occurrencePositions[at] ?? 0;
    }
  }
  for (const term of terms) counts[term] = 0;
  return { terms, ends, documents, positions };
}
