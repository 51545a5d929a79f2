import type { CachedRoot } from "../../audit/cache.js";

/** A checkpoint with a long origin stays far below this; longer texts are not ours and not worth parsing. */
const MAX_CHARACTERS = 8_192;

export function rootText(root: CachedRoot): string {
  return JSON.stringify(root);
}

/** Parses a root that a server returned. Anyone may have written it: only its shape is checked. */
export function parseRootText(text: string | null | undefined): CachedRoot | undefined {
  if (text === null || text === undefined || text.length > MAX_CHARACTERS) return undefined;
  const value = parsed(text);
  return isCachedRoot(value) ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const TEXT_MEMBERS = ["log", "checkpoint", "publishedAt", "seal"];

function isCachedRoot(value: unknown): value is CachedRoot {
  if (typeof value !== "object" || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  const isSized = Number.isSafeInteger(members.get("treeSize"));
  return isSized && TEXT_MEMBERS.every((name) => typeof members.get(name) === "string");
}
