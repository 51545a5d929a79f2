import type { ModuleImport, SourceFile } from "./source-tree.js";

/** What the files of one ring may import; the first rule whose `files` matches a path holds for it. */
export interface ImportRule {
  readonly ring: string;
  readonly files: RegExp;
  /** Files it may import, beside those that begin with what group 1 of `files` captured: its own. */
  readonly mayImport: readonly RegExp[];
  /** Files it may load lazily only. */
  readonly mayLoad?: readonly RegExp[];
  /** Packages and Node modules it may import; every one when absent. */
  readonly packages?: readonly RegExp[];
}

const core = /^core\//;
const query = /^query\//;
const audit = /^audit\//;
const keys = /^keys\//;
const ownEngine = /^engine\//;
const graphql = /^graphql\//;
const access = /^access\//;
const downloads = /^downloads\//;
const operations = /^operations\//;
const http = /^http\//;
const settings = /^settings\//;
/** How a place to keep logs is written, without an engine. */
const storeUrl = /^(?:stores\/store-url|backends\/pangea-url)\.ts$/;
const generated = /^generated\//;
const familyEntry = /^(?:stores|caches|backends)\/[^/]+$/;
const engine = /^((?:stores|caches|backends)\/[^/]+\/)/;
/** The rooms of our own engine: a room knows those before it. */
const ROOMS = ["tree", "search", "log", "bulk", "upkeep"];
const room = (name: string): RegExp => new RegExp(`^(engine/${name}/)`);
const noble = /^@noble\/(hashes|curves)\//;

/** The table of the house: an arrow of the design that is not here does not exist. */
export const importRules: readonly ImportRule[] = [
  { ring: "core", files: /^(core\/)/, mayImport: [], packages: [noble] },
  { ring: "query", files: /^(query\/)/, mayImport: [core], packages: [noble] },
  { ring: "audit", files: /^(audit\/)/, mayImport: [core, query] },
  { ring: "keys", files: /^(keys\/)/, mayImport: [core, query, audit] },
  ...ROOMS.map((name, place) => ({
    ring: `the engine's ${name}`,
    files: room(name),
    mayImport: [core, query, audit, keys, ...ROOMS.slice(0, place).map(room)],
  })),
  { ring: "the engine", files: /^(engine\/)/, mayImport: [core, query, audit, keys] },
  { ring: "one of a family", files: engine, mayImport: [core, query, audit, keys] },
  {
    ring: "a family's entry",
    files: familyEntry,
    mayImport: [core, query, audit, keys, familyEntry],
    mayLoad: [engine],
  },
  { ring: "graphql", files: /^(graphql\/)/, mayImport: [core, query, audit, keys, generated] },
  { ring: "access", files: /^(access\/)/, mayImport: [core, query, audit, keys] },
  { ring: "downloads", files: /^(downloads\/)/, mayImport: [core, query, audit, keys] },
  { ring: "operations", files: /^(operations\/)/, mayImport: [core, query, audit, keys] },
  {
    ring: "http",
    files: /^(http\/)/,
    mayImport: [core, query, audit, keys, access, downloads, graphql, operations],
  },
  { ring: "settings", files: /^(settings\/)/, mayImport: [core, query, audit, keys, access, storeUrl], packages: [] },
  {
    // What a file says was searched is compared with what is proven: the query language is pure too.
    ring: "cli verify's proofs",
    files: /^(cli\/(?:completeness|fraud)-check)/,
    mayImport: [core, query, /^cli\/completeness-check\.ts$/],
    packages: [],
  },
  {
    ring: "cli verify",
    files: /^(cli\/(?:verify|trusted-keys|schema-file|output|printable))/,
    // It believes no gateway, so it shares no code with one but core, and the platform's Ed25519.
    mayImport: [
      core,
      /^keys\/node-crypto\.ts$/,
      /^cli\/(?:completeness-check|fraud-check|verify-source|trusted-keys|schema-file|output|printable|progress|verify-report)\.ts$/,
    ],
    packages: [noble, /^node:/],
  },
  {
    // Whether what is typed is a query by itself is for the language's own parser to say.
    ring: "the viewer's restriction",
    files: /^(viewer\/)restriction\.ts$/,
    mayImport: [query],
    packages: [],
  },
  {
    // It trusts a gateway as little as an auditor does, and reaches it over the API alone.
    ring: "viewer",
    files: /^(viewer\/)/,
    mayImport: [core, /^verify\.ts$/, /^docs\/query-language\.md$/],
    packages: [
      /^(react|react-dom)(\/|$)/,
      /^@(codemirror|radix-ui|tanstack)\//,
      /^(@urql\/core|graphql-sse|microdiff|uplot)(\/|$)/,
      /^@graphql-typed-document-node\/core$/,
    ],
  },
  {
    ring: "cli",
    files: /^(cli\/)/,
    mayImport: [core, query, audit, keys, ownEngine, access, downloads, graphql, operations, http, settings, generated],
  },
  { ring: "main", files: /^((?:main|start)\.ts)$/, mayImport: [/./] },
  { ring: "auditql/verify", files: /^(verify\.ts)$/, mayImport: [core], packages: [] },
  {
    ring: "auditql",
    files: /^(index\.ts)$/,
    mayImport: [
      audit,
      keys,
      /^engine\/(?:local-service|search\/open-index)\.ts$/,
      /^stores\/index\.ts$/,
      /^caches\/memory\//,
    ],
    packages: [],
  },
  { ring: "generated", files: /^(generated\/)/, mayImport: [core] },
];

/** Lists every import that no rule allows, as `file imports specifier: why`. */
export function forbiddenImports(files: readonly SourceFile[], rules = importRules): readonly string[] {
  return files.flatMap((file) => {
    const rule = rules.find((candidate) => candidate.files.test(file.path));
    if (rule === undefined) return [`${file.path} belongs to no ring of the import table`];
    return file.imports
      .filter((wanted) => !isAllowed(wanted, file, rule))
      .map((wanted) => `${file.path} imports ${wanted.specifier}: not for ${rule.ring}`);
  });
}

function isAllowed(wanted: ModuleImport, file: SourceFile, rule: ImportRule): boolean {
  const { target, specifier, lazy } = wanted;
  if (target === undefined) return rule.packages?.some((allowed) => allowed.test(specifier)) ?? true;
  const own = rule.files.exec(file.path)?.[1];
  if (own !== undefined && target.startsWith(own)) return true;
  const loadable = lazy ? (rule.mayLoad ?? []) : [];
  return [...rule.mayImport, ...loadable].some((allowed) => allowed.test(target));
}

/** Lists each cycle of imports once, as `a.ts -> b.ts -> a.ts`; a lazy import closes no cycle, unless those count. */
export function importCycles(files: readonly SourceFile[], counted: "eager" | "all" = "eager"): readonly string[] {
  const targets = new Map(files.map((file) => [file.path, targetsOf(file, counted)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const file of files) walk(file.path, []);
  return cycles;
}

function targetsOf(file: SourceFile, counted: "eager" | "all"): readonly string[] {
  const follows = file.imports.filter(({ lazy }) => counted === "all" || !lazy);
  return follows.flatMap(({ target }) => (target === undefined ? [] : [target]));
}
