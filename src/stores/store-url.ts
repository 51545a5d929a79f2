/** How each engine's URLs are written, and whether the scheme needs a location after it. */
const SCHEMES = {
  memory: { spelling: "memory:", needsLocation: false },
  sqlite: { spelling: "sqlite:PATH", needsLocation: true },
  postgres: { spelling: "postgres://…", needsLocation: true },
  postgresql: { spelling: "postgres://…", needsLocation: true },
} as const;

export type StoreScheme = keyof typeof SCHEMES;

/** A parsed store URL, such as `sqlite:data/auditql.db`. */
export interface StoreUrl {
  readonly scheme: StoreScheme;
  /** The text after the scheme and its colon. */
  readonly location: string;
}

/** All kinds of store URL, for messages. */
export const STORE_SPELLINGS = [...new Set(Object.values(SCHEMES).map(({ spelling }) => spelling))].join(" or ");

/** Undefined for a URL of no engine, or without the location that its engine needs. */
export function parseStoreUrl(url: string): StoreUrl | undefined {
  const scheme = schemeOf(url);
  if (!isKnown(scheme)) return undefined;
  const location = url.slice(scheme.length + 1);
  return SCHEMES[scheme].needsLocation && location === "" ? undefined : { scheme, location };
}

/** The path of an SQLite store's log file; undefined for the URL of another engine. */
export function sqlitePathOf(url: string): string | undefined {
  const parsed = parseStoreUrl(url);
  return parsed?.scheme === "sqlite" ? parsed.location : undefined;
}

/** The part of a wrong store URL that may be shown: the rest may contain a password. */
export function schemeOf(url: string): string {
  return url.split(":", 1).join();
}

function isKnown(scheme: string): scheme is StoreScheme {
  return Object.hasOwn(SCHEMES, scheme);
}
