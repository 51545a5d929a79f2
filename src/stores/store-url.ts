/** How the URLs of each engine are spelled, and whether something has to stand behind the scheme and its colon. */
const SCHEMES = {
  memory: { spelling: "memory:", needsLocation: false },
  sqlite: { spelling: "sqlite:PATH", needsLocation: true },
  postgres: { spelling: "postgres://…", needsLocation: true },
  postgresql: { spelling: "postgres://…", needsLocation: true },
} as const;

export type StoreScheme = keyof typeof SCHEMES;

/** What a store URL such as `sqlite:data/auditql.db` names. */
export interface StoreUrl {
  readonly scheme: StoreScheme;
  /** What stands after the scheme and its colon. */
  readonly location: string;
}

/** The store URLs there are, for messages. */
export const STORE_SPELLINGS = [...new Set(Object.values(SCHEMES).map(({ spelling }) => spelling))].join(" or ");

/** Undefined for a URL that no engine has, or without the location that its engine needs. */
export function parseStoreUrl(url: string): StoreUrl | undefined {
  const scheme = schemeOf(url);
  if (!isKnown(scheme)) return undefined;
  const location = url.slice(scheme.length + 1);
  return SCHEMES[scheme].needsLocation && location === "" ? undefined : { scheme, location };
}

/** What may be said of a store URL that is wrong: the rest of it may hold a password. */
export function schemeOf(url: string): string {
  return url.split(":", 1).join();
}

function isKnown(scheme: string): scheme is StoreScheme {
  return Object.hasOwn(SCHEMES, scheme);
}
