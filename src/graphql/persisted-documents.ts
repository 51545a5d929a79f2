import { LRUCache } from "lru-cache";

/** A longer document is executed, but its client sends it each time: nobody writes so long a query by hand. */
const MAX_CHARACTERS = 16_384;
const MAX_DOCUMENTS = 10_000;
const MAX_BYTES = 16 * 1_024 * 1_024;
const BYTES_PER_CHARACTER = 2;

/**
 * The documents of automatic persisted queries: a client sends a document once, then only its hash. They are kept in this
 * process, up to 10,000 of them and 16 MiB; the least recently used go first. A shared server would let anyone with a
 * credential fill it, and there it would push out the roots that reveal a lost log; a client that sends a hash to another
 * gateway is asked for the text, and sends it by itself.
 */
export class PersistedDocuments {
  readonly #texts = new LRUCache<string, string>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_BYTES,
    sizeCalculation: (text, key) => BYTES_PER_CHARACTER * (text.length + key.length),
  });

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.#texts.get(key));
  }

  /** Apollo has compared the text with its hash. */
  set(key: string, text: string): Promise<void> {
    if (text.length <= MAX_CHARACTERS) this.#texts.set(key, text);
    return Promise.resolve();
  }

  delete(key: string): Promise<boolean> {
    return Promise.resolve(this.#texts.delete(key));
  }
}
