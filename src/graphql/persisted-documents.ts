import { createHash } from "node:crypto";
import type { TextCache } from "../audit/cache.js";

/** The key that Apollo uses for a document that a client registered by its hash. */
const KEY = /^apq:([0-9a-f]{64})$/;

/**
 * Automatic persisted queries (a client sends a document once, then only its hash) in a cache that all gateways share.
 * Anyone with write access to the cache could put another document under a hash, so a text is used only if it has that
 * hash.
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

  /** Apollo never calls this; cached texts expire by themselves. */
  delete(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
