import { AuditError } from "../audit/errors.js";
import type { AuditService, EntryOutcome } from "../audit/service.js";

/**
 * The maximum characters of all entries that one request reads: more than the longest page has. All of them stay in
 * memory until the response is made, and an operation's cost does not include the length of texts.
 */
export const MAX_READ_CHARACTERS = 128 * 1024 * 1024;

/** An entry can have several MiB, and its size is known only once it is read. */
const ENTRIES_AT_ONCE = 250;

/** Reads entries for one request, one read after the other, until they have too many characters in total. */
export class EntryReads {
  #left: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly service: Pick<AuditService, "entries">,
    maxCharacters = MAX_READ_CHARACTERS,
  ) {
    this.#left = maxCharacters;
  }

  /** Like AuditService.entries, but rejects with BAD_USER_INPUT from the first read that exceeds the limit. */
  read(log: string, leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    const reading = this.#last.then(() => this.#readAll(log, leafIndexes));
    this.#last = reading.catch(ignore);
    return reading;
  }

  async #readAll(log: string, leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    const outcomes: EntryOutcome[] = [];
    for (let start = 0; start < leafIndexes.length; start += ENTRIES_AT_ONCE) {
      if (this.#left < 0) throw tooMuch();
      const read = await this.service.entries(log, leafIndexes.slice(start, start + ENTRIES_AT_ONCE));
      for (const outcome of read) if (outcome.kind === "entry") this.#left -= outcome.entry.canonical.length;
      outcomes.push(...read);
    }
    if (this.#left < 0) throw tooMuch();
    return outcomes;
  }
}

function tooMuch(): AuditError {
  const message = `The entries that one request reads may have at most ${MAX_READ_CHARACTERS} characters in total: ask for fewer at once.`;
  return new AuditError("BAD_USER_INPUT", message);
}

function ignore(): void {
  // The caller of the failed read gets the error.
}
