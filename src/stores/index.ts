import { badInput, type AuditError } from "../audit/errors.js";
import type { IndexedStore } from "../audit/search-index.js";

interface Engine {
  /** How the engine is spelled in a store URL. */
  readonly spelling: string;
  readonly needsLocation: boolean;
  /** `location` is what stands after the scheme and its colon. Imports the engine when it is asked for. */
  readonly open: (location: string) => Promise<IndexedStore>;
}

const POSTGRES: Engine = {
  spelling: "postgres://…",
  needsLocation: true,
  open: async (location) => await (await import("./postgres/open.js")).openPostgres({ url: `postgres:${location}` }),
};

const ENGINES: ReadonlyMap<string, Engine> = new Map<string, Engine>([
  [
    "memory",
    {
      spelling: "memory:",
      needsLocation: false,
      open: async () => (await import("./memory/open.js")).openMemory(),
    },
  ],
  [
    "sqlite",
    {
      spelling: "sqlite:PATH",
      needsLocation: true,
      open: async (path) => await (await import("./sqlite/open.js")).openSqlite(path),
    },
  ],
  ["postgres", POSTGRES],
  ["postgresql", POSTGRES],
]);

/**
 * Opens the store that a URL such as `sqlite:data/auditql.db`, `postgres://user@host/database` or `memory:` names.
 * Rejects with BAD_USER_INPUT that lists the known schemes, or with UNAVAILABLE when the engine cannot open it.
 */
export async function openStore(url: string): Promise<IndexedStore> {
  const colon = url.indexOf(":");
  const scheme = colon === -1 ? url : url.slice(0, colon);
  const location = url.slice(scheme.length + 1);
  const engine = ENGINES.get(scheme);
  if (engine === undefined || (engine.needsLocation && location === "")) throw unknownStore(scheme);
  return engine.open(location);
}

/** Says the scheme alone: the rest of a store URL may hold a password. */
function unknownStore(scheme: string): AuditError {
  const expected = [...new Set([...ENGINES.values()].map((engine) => engine.spelling))].join(" or ");
  return badInput([{ path: "store", expected, got: JSON.stringify(scheme) }]);
}
