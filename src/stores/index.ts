import { badInput } from "../audit/errors.js";
import type { OpenedStore } from "../audit/search-index.js";
import { parseStoreUrl, schemeOf, STORE_SPELLINGS, type StoreScheme } from "./store-url.js";

/** Called when a part of the store has ended unexpectedly and for good. */
export type OnDeath = (error: Error) => void;

type OpenEngine = (location: string, onDeath?: OnDeath) => Promise<OpenedStore>;

const openPostgres: OpenEngine = async (location) =>
  await (await import("./postgres/open.js")).openPostgres({ url: `postgres:${location}` });

/** Each imports its engine on first use. */
const ENGINES: Readonly<Record<StoreScheme, OpenEngine>> = {
  memory: async () => (await import("./memory/open.js")).openMemory(),
  sqlite: async (path, onDeath) => await (await import("./sqlite/open.js")).openSqlite(path, onDeath),
  postgres: openPostgres,
  postgresql: openPostgres,
};

/**
 * Opens the store of a URL such as `sqlite:data/auditql.db`, `postgres://user@host/database` or `memory:`. Rejects with
 * BAD_USER_INPUT that lists the known schemes, or with UNAVAILABLE when the engine cannot open it.
 */
export async function openStore(url: string, onDeath?: OnDeath): Promise<OpenedStore> {
  const parsed = parseStoreUrl(url);
  if (parsed !== undefined) return ENGINES[parsed.scheme](parsed.location, onDeath);
  throw badInput([{ path: "store", expected: STORE_SPELLINGS, got: JSON.stringify(schemeOf(url)) }]);
}
