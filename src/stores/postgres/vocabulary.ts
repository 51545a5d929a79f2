import type { Expansions } from "./condition.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

/** A prefix of more words is in so many documents that walking finds them sooner than looking up each word. */
const MAX_EXPANSION = 500;

const WORDS_FROM: Statement<{ readonly prefix: string; readonly word: string }> = {
  name: "words-from",
  text: `
    SELECT asked.prefix, found.word
    FROM unnest($2::text[]) AS asked (prefix), LATERAL (
      SELECT word FROM auditql.words
      WHERE log = $1 AND word >= asked.prefix AND word < asked.prefix || chr(1114111) -- U+10FFFF, above every word
      ORDER BY word LIMIT ${MAX_EXPANSION + 1}
    ) AS found`,
};

/** Prefixes of words of a log. */
export interface LogPrefixes {
  readonly log: string;
  readonly prefixes: readonly string[];
}

/** The indexed words of a log that begin with each prefix, in one round trip; a prefix of too many words is left out. */
export async function expansionsOf(
  database: Database,
  { log, prefixes }: LogPrefixes,
  signal?: AbortSignal,
): Promise<Expansions> {
  const expansions = new Map([...new Set(prefixes)].map((prefix): [string, string[]] => [prefix, []]));
  if (expansions.size === 0) return expansions;
  const rows = await database.rows(WORDS_FROM, [log, [...expansions.keys()]], signal);
  for (const { prefix, word } of rows) expansions.get(prefix)?.push(word);
  for (const [prefix, words] of expansions) if (words.length > MAX_EXPANSION) expansions.delete(prefix);
  return expansions;
}
