import type { Expansions } from "./condition.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

/** A prefix of more words is in so many documents that walking finds them sooner than looking up each word. */
const MAX_EXPANSION = 500;

const WORDS_FROM: Statement<{ readonly word: string }> = {
  name: "words-from",
  text: `
    SELECT word FROM auditql.words
    WHERE log = $1 AND word >= $2::text AND word < $2::text || chr(1114111) -- U+10FFFF, above every word
    ORDER BY word LIMIT ${MAX_EXPANSION + 1}`,
};

/** Prefixes of words of a log. */
export interface LogPrefixes {
  readonly log: string;
  readonly prefixes: readonly string[];
}

/** The indexed words of a log that begin with each prefix; one round trip per prefix. */
export async function expansionsOf(
  database: Database,
  { log, prefixes }: LogPrefixes,
  signal?: AbortSignal,
): Promise<Expansions> {
  const expansions = new Map<string, readonly string[]>();
  for (const prefix of new Set(prefixes)) {
    const rows = await database.rows(WORDS_FROM, [log, prefix], signal);
    if (rows.length <= MAX_EXPANSION)
      expansions.set(
        prefix,
        rows.map(({ word }) => word),
      );
  }
  return expansions;
}
