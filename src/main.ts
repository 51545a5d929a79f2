import { dirname, resolve } from "node:path";
import { openKeyring } from "./keys/seed-file.js";
import { ephemeralKeyring, type Keyring } from "./keys/keyring.js";
import type { RootCache } from "./audit/cache.js";
import { badInput } from "./audit/errors.js";
import type { LogDeclaration } from "./audit/log-declaration.js";
import { DEFAULT_LOG } from "./audit/service.js";
import { pangeaUrl } from "./backends/pangea-url.js";
import { openLocalService } from "./engine/local-service.js";
import { logHandOver } from "./engine/upkeep/hand-over.js";
import { checkLog, type LogHealth, type ReadPaths } from "./engine/log-health.js";
import type { IndexedStore } from "./audit/search-index.js";
import { indexed } from "./engine/search/open-index.js";
import { exposureOf, isOurs } from "./keys/private-file.js";
import { TokenSealer } from "./keys/sealed-token.js";
import { explanation } from "./cli/explanation.js";
import { declaredLogs } from "./cli/log-schemas.js";
import type { MemoryStores } from "./cli/demo.js";
import type { AuditIndexFlags } from "./cli/audit-index.js";
import type { ExportFlags } from "./cli/export.js";
import type { FsckFlags } from "./cli/fsck.js";
import { program, type SchemaFlags } from "./cli/program.js";
import { writerTo, type Output } from "./cli/output.js";
import { printableLines } from "./cli/printable.js";
import type { Engine } from "./cli/opening.js";
import type { EnginePlan, Operator } from "./cli/serve.js";
import type { ImportFlags } from "./cli/import.js";
import type { LogFlags } from "./cli/log.js";
import type { RootFlags } from "./cli/root.js";
import type { SaveFlags } from "./cli/save.js";
import type { SearchFlags } from "./cli/search.js";
import type { TailFlags } from "./cli/tail.js";
import type { VerifyFlags } from "./cli/verify.js";
import type { WatchFlags } from "./cli/watch.js";
import type { Degradation } from "./http/server.js";
import type { Settings } from "./settings/read.js";
import { openStore } from "./stores/index.js";
import { sqlitePathOf } from "./stores/store-url.js";

const FAILED = 1;

/** What the settings ask for that needs no store, and how to open what does. */
async function planEngine(settings: Settings, operator: Operator): Promise<EnginePlan> {
  const { storage } = settings;
  const keyring = await keyringFor(storage);
  const isServed = pangeaUrl(storage.store) !== undefined;
  const known = isServed ? { ...settings.service, logs: servedLogs(storage) } : settings.service;
  const service = { ...known, logs: await declaredLogs({ ...settings, service: known, isServed }) };
  return {
    sealer: new TokenSealer(keyring.tokenSecret),
    waitsFor: isServed ? "the audit service" : "the database",
    open: () => openEngine({ ...settings, service }, keyring, operator),
  };
}

/** The logs that a service of the Pangea protocol keeps. */
function servedLogs({ pangeaConfigs }: Settings["storage"]): readonly LogDeclaration[] {
  return [...new Set([DEFAULT_LOG, ...pangeaConfigs.keys()])].map((log) => ({ log, format: "pangea" }));
}

/** A service of the Pangea protocol keeps the logs: there is no store here. */
async function openPangea(baseUrl: string, settings: Settings, parts: PangeaParts): Promise<Engine> {
  const { storage } = settings;
  const { operator, keyring } = parts;
  const token = pangeaToken(storage);
  const exposure = exposureOf(privatePaths(storage));
  if (exposure !== undefined) operator.warn(exposure);
  const [{ openPangeaService }, { withServedSchemas }] = await Promise.all([
    import("./backends/pangea/service.js"),
    import("./backends/pangea/served-schema.js"),
  ]);
  const { resultTtlMs, schemaPlaces } = settings.service;
  const declared = settings.service.logs.map(({ log, schema }) => {
    const isSchemaServed = schemaPlaces.get(log)?.kind === "service";
    return { log, schema, isSchemaServed, configId: storage.pangeaConfigs.get(log) };
  });
  const logs = await withServedSchemas(declared, { baseUrl, token });
  const cache = await openCache(storage, operator);
  const { origin } = storage;
  const service = openPangeaService({
    baseUrl,
    token,
    logs,
    cache,
    keyring,
    origin,
    resultTtlMs,
    alarm: operator.alarm,
  });
  return {
    service,
    health: {
      probe: async () => {
        await service.root(DEFAULT_LOG);
        return cacheDegradations(cache);
      },
    },
    async close() {
      await service.close();
      await cache.close();
    },
  };
}

interface PangeaParts {
  readonly keyring: Keyring;
  readonly operator: Operator;
}

function pangeaToken({ pangeaToken: token = "" }: Settings["storage"]): string {
  if (/^[!-~]+$/.test(token)) return token;
  const expected = "the service's token, in it or in the file of AUDITQL_PANGEA_TOKEN_FILE";
  throw badInput([{ path: "AUDITQL_PANGEA_TOKEN", expected, got: token === "" ? "nothing" : "other text" }]);
}

/** The audit service that the settings ask for, on its engines. */
async function openEngine(settings: Settings, keyring: Keyring, operator: Operator): Promise<Engine> {
  const { storage } = settings;
  const baseUrl = pangeaUrl(storage.store);
  if (baseUrl !== undefined) return openPangea(baseUrl, settings, { keyring, operator });
  const { instrumented, WaitingEvents, watchDamage } = await import("./operations/instruments.js");
  const { log, isShared, isReadOnly, ...opened } = indexed(await openStore(storage.store, operator.fatal), keyring);
  const engines = { ...opened, store: log, cache: await openCache(storage, operator) };
  const { store, index, cache } = instrumented(engines, operator.metrics);
  const logs = settings.service.logs.map(({ log }) => log);
  operator.metrics.knowLogs(logs);
  const closeAll = async () => {
    await Promise.all([index.close(), cache.close()]);
    await store.close();
  };
  try {
    const service = await openLocalService({
      ...{ store, sharedStore: isShared, index, cache, keyring },
      ...settings.service,
      ...{ origin: storage.origin, alarm: operator.alarm, note: operator.note },
      onWaiting: new WaitingEvents(operator.metrics).set,
    });
    await logHandOver(service, { keyring, origin: storage.origin, logs, warn: operator.warn });
    watchDamage(logs, (log) => service.broken(log) !== undefined, operator.metrics);
    const exposure = exposureOf(privatePaths(storage));
    if (exposure !== undefined) operator.warn(exposure);
    return {
      service,
      health: { probe: () => probe({ service, store, logs: settings.service.logs, isReadOnly, cache }) },
      async close() {
        await service.close();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The files that hold what is logged and the gateway's secrets, and their folders. */
function privatePaths({ store, keyFile, secretFiles }: Settings["storage"]): readonly string[] {
  const keyFolder = dirname(resolve(keyFile));
  const database = sqlitePathOf(store);
  const secrets = secretFiles.filter(isOurs);
  if (database === undefined) return store === "memory:" ? secrets : [keyFolder, ...secrets];
  const files = ["", "-wal", "-shm", "-index", "-index-wal", "-index-shm", "-lock"].map((end) => database + end);
  return [...new Set([keyFolder, dirname(resolve(database))]), ...files, ...secrets];
}

interface Probed extends ReadPaths, Pick<Settings["service"], "logs"> {
  readonly isReadOnly: IndexedStore["isReadOnly"];
  readonly cache: RootCache;
}

/** Rejects when the store does not answer, and when nothing of any log can be shown. */
async function probe({ logs, isReadOnly, cache, ...paths }: Probed): Promise<readonly Degradation[]> {
  const [mayOnlyBeRead, ...found] = await Promise.all([
    isReadOnly?.() ?? false,
    ...logs.map(async ({ log }) => ({ log, health: await checkLog(paths, log) })),
  ]);
  const [first, ...others] = found.map(({ health }) => health);
  if (first?.kind === "unreadable" && others.every(({ kind }) => kind === "unreadable")) throw first.error;
  return [
    ...found.flatMap(({ log, health }) => degradationsOf(log, health)),
    ...(mayOnlyBeRead ? [{ what: "writes", reason: "the database may only be read" }] : []),
    ...cacheDegradations(cache),
  ];
}

function cacheDegradations(cache: RootCache): readonly Degradation[] {
  if (cache.isRemembering) return cache.isAnswering ? [] : [{ what: "redis" }];
  return [
    { what: "redis", reason: "Redis did not keep the newest root: a log that lost entries would not be noticed" },
  ];
}

function degradationsOf(log: string, health: LogHealth): readonly Degradation[] {
  if (health.kind === "sound") return [];
  const { code, message } = health.error;
  const reads = health.kind === "unreadable" ? [{ what: "reads" }] : [];
  return [...reads, { what: "writes", reason: `${log}: ${code}: ${message}` }];
}

/** A log in memory ends with the process, and so may its key. */
async function keyringFor(storage: Settings["storage"]): Promise<Keyring> {
  return storage.store === "memory:" ? ephemeralKeyring() : openKeyring(storage);
}

async function openCache({ redisUrl, origin }: Settings["storage"], { note }: Operator): Promise<RootCache> {
  if (redisUrl === undefined) {
    const { MemoryRootCache } = await import("./caches/memory/root-cache.js");
    return new MemoryRootCache();
  }
  const { RedisRootCache } = await import("./caches/redis/root-cache.js");
  const cache = new RedisRootCache({ url: redisUrl, origin, onChange: note });
  // What it remembers is compared with the logs when they are opened.
  await cache.attempted();
  return cache;
}

async function openMemory(keyring: Keyring, { fatal }: Operator): Promise<MemoryStores> {
  const { log: store, index } = indexed(await openStore("memory:", fatal), keyring);
  const { MemoryRootCache } = await import("./caches/memory/root-cache.js");
  return { store, index, cache: new MemoryRootCache() };
}

const tools = {
  tools: {
    openStore: async (url: string, keyring: Keyring) => indexed(await openStore(url), keyring),
    openKeyring,
  },
  to: { out: printTo(process.stdout), note: printTo(process.stderr) },
};

function openOutput(): Output {
  const [write, writeNote] = [writerTo(process.stdout), writerTo(process.stderr)];
  // Notes are for people: where nobody reads them, the exit code still says it all.
  const note = (text: string): void => void writeNote(`${printableLines(text)}\n`).catch(() => undefined);
  return { write, note, bar: process.stderr };
}

/** Colors are for a terminal alone, and not where NO_COLOR asks for none. */
const isColored = (): boolean => process.stdout.isTTY && process.stdout.hasColors();

/** What a command asks a gateway with, and where it writes. */
const asking = () => ({ token: process.env["AUDITQL_TOKEN"], output: openOutput() });

/** Aborted by the first signal to end; the second ends the process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, abort);
  return stop.signal;
}

function printTo(stream: NodeJS.WriteStream): (text: string) => void {
  return (text) => void stream.write(`${text}\n`);
}

try {
  // Each command loads what it needs: a verifier should not wait for a server that it does not use.
  const commands = {
    serve: async (settings: Settings) => (await import("./cli/serve.js")).serve(settings, planEngine),
    demo: async (settings: Settings) => {
      const [{ serve }, { planDemo }] = await Promise.all([import("./cli/serve.js"), import("./cli/demo.js")]);
      await serve(settings, planDemo(openMemory));
    },
    verify: async (file: string, flags: VerifyFlags) =>
      (await import("./cli/verify.js")).verifyFile(file, { ...flags, isColored: isColored() }, openOutput()),
    save: async (flags: SaveFlags) =>
      (await import("./cli/save.js")).saveEvidence(flags, process.env["AUDITQL_TOKEN"], openOutput()),
    watch: async (flags: WatchFlags) =>
      (await import("./cli/watch.js")).watchLog(flags, process.env["AUDITQL_TOKEN"], openOutput()),
    auditIndex: async (flags: AuditIndexFlags) => (await import("./cli/audit-index.js")).auditIndex(flags, asking()),
    log: async (message: string, flags: LogFlags) => (await import("./cli/log.js")).logEvent(message, flags, asking()),
    logEvents: async (file: string, flags: LogFlags) =>
      (await import("./cli/log-file.js")).logEvents(file, flags, asking()),
    search: async (query: string, flags: SearchFlags) =>
      (await import("./cli/search.js")).searchLog(query, flags, asking()),
    root: async (flags: RootFlags) => (await import("./cli/root.js")).showRoot(flags, asking()),
    exportEntries: async (query: string, flags: ExportFlags) =>
      (await import("./cli/export.js")).exportEntries(query, flags, asking()),
    tail: async (flags: TailFlags) => {
      const stop = stopSignal();
      return (await import("./cli/tail.js")).tailLog(flags, { ...asking(), stop });
    },
    importEvents: async (file: string, flags: ImportFlags) =>
      (await import("./cli/import.js")).importEvents(file, flags, asking()),
    fsck: async (storage: Settings["storage"], flags: FsckFlags) =>
      (await import("./cli/fsck.js")).fsckStore(storage, flags, tools),
    copy: async (storage: Settings["storage"], target: string) =>
      (await import("./cli/copy.js")).copyStore(storage, target, tools),
    schema: async ({ api, ...wanted }: SchemaFlags) => {
      const { apiSchemaText, auditSchemaText } = await import("./graphql/schema.js");
      return api ? apiSchemaText(wanted) : auditSchemaText(wanted);
    },
  };
  await program(commands, process.env).parseAsync();
} catch (error) {
  process.stderr.write(`${explanation(error)}\n`);
  process.exitCode = FAILED;
}
