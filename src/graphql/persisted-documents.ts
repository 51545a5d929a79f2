import { createHash } from "node:crypto";
import type { TextCache } from "../audit/cache.js";

/** As Apollo writes the key of a document that a client registered by its hash. */
const KEY = /^apq:([0-9a-f]{64})$/;

/**
 * Automatic persisted queries (a client sends a document once and its hash from then on) in a cache that all gateways
 * share. Whoever writes to that cache could put another document under a hash, so a text counts only if it has the hash.
 */
export class PersistedDocuments {
  constructor(private readonly texts: TextCache) {}

  async get(key: string): Promise<string | undefined> {
    const text = await this.texts.get(key);
    const hash = KEY.exec(key)?.[1];
    return text !== undefined && createHash("sha256").update(text).digest("hex") === hash ? text : undefined;
  }

  set(key: string, text: string): Promise<void> {
    return this.texts.put(key, text);
  }

  /** Apollo never does; what is kept has an end of its own. */
  delete(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
