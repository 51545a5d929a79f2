import { bulkId } from "../../src/audit/bulk-id.js";
import { AuditError } from "../../src/audit/errors.js";
import type { IndexedStore } from "../../src/audit/search-index.js";
import type { AuditService, EntryOutcome, LogRequest, Receipt } from "../../src/audit/service.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { closeStore } from "../../src/cli/store-files.js";
import { digestOf } from "../../src/core/bytes.js";
import { formatIn } from "../../src/audit/log-declaration.js";
import { logFormat } from "../../src/core/format.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { findingText, type Finding } from "../../src/engine/upkeep/finding.js";
import { fsck } from "../../src/engine/upkeep/fsck.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../src/keys/node-crypto.js";
import { KEYRING } from "../keyring.js";
import { NEW_YEAR, ORIGIN } from "../engine/test-log.js";

/** One full tile, and an edge of 44. */
export const SIZE = 300;
const STEP_MICROS = 1_000_000;
const ALL = Array.from({ length: SIZE }, (_, i) => i);
/** When the attacked log is opened: later than all of its entries. */
const NOW = NEW_YEAR + 2 * SIZE * STEP_MICROS;
/** Whose keys they are. */
const ALICE = { owner: "alice" };
const ASCENDING = { field: "received_at", direction: "asc" } as const;

const KEYED: LogRequest = {
  ...{ log: "default", sign: true, path: "events", idempotencyKey: "once" },
  events: [{ event: { message: "keyed one", actor: "alice" } }, { event: { message: "keyed two", actor: "alice" } }],
};
const BULK: LogRequest = {
  ...{ log: "default", sign: false, path: "events", idempotencyKey: "later" },
  events: [{ event: { message: "in bulk", actor: "alice" } }],
};

/** What is asked of a log, by its name in a failure. Each answer is text, so that answers can be compared. */
export type Answers = Readonly<Record<string, string>>;

/** An answer that says it is none. */
export const isRefusal = (answer: string | undefined): boolean => answer?.startsWith("refused: ") === true;

export interface Examined {
  readonly findings: readonly string[];
  readonly alarms: readonly string[];
  readonly answers: Answers;
}

/** Opens a store that nobody else has open. */
type Opening = () => Promise<IndexedStore>;

/** The right answers: those of a store that nobody changed, which has to be sound. */
export async function rightAnswers(open: Opening): Promise<Answers> {
  const { findings, alarms, answers } = await examine(open);
  const wrong = [...findings, ...alarms, ...Object.values(answers).filter(isRefusal)];
  if (wrong.length > 0) throw new Error(`a store that nobody changed is not sound: ${wrong.join("; ")}`);
  return answers;
}

interface Opened {
  readonly now: () => number;
  readonly alarm: (text: string) => void;
}

function openService(store: IndexedStore, opened: Opened): Promise<AuditService> {
  const { log, index, isShared } = store;
  const { now: clock, ...rest } = opened;
  return openLocalService({
    ...{ store: log, index, sharedStore: isShared, cache: new MemoryRootCache(), keyring: KEYRING },
    ...{ origin: ORIGIN, logs: [{ log: "default", format: "rfc6962" }], clock, ...rest },
  });
}

/** Logs 300 entries a second apart: signed ones, two under a key, one of a bulk request. */
export async function fillAttackedLog(open: Opening): Promise<void> {
  const store = await open();
  try {
    await fill(store);
  } finally {
    await closeStore(store);
  }
}

async function fill(store: IndexedStore): Promise<void> {
  let now = NEW_YEAR;
  const service = await openService(store, { now: () => now, alarm: fail });
  for (let i = 0; i < SIZE - 3; i++) {
    const event = { message: `event ${i}`, actor: i % 10 === 0 ? "mallory" : "bob", tenant_id: `t${i % 2}` };
    await service.append({ log: "default", events: [{ event }], sign: i % 50 === 0, path: "event" });
    now += STEP_MICROS;
  }
  await service.append(KEYED, ALICE);
  now += STEP_MICROS;
  await service.appendLater(BULK, ALICE);
  await service.search({ log: "default", query: "" }, {}); // all of it is indexed
  await service.close();
}

function fail(text: string): void {
  throw new Error(text);
}

/** Opens a store, has it checked, then opens a gateway's engine on it and asks everything. */
export async function examine(open: Opening): Promise<Examined> {
  let store: IndexedStore;
  try {
    store = await open();
  } catch (error) {
    return { findings: [refusal(error)], alarms: [], answers: { opening: refusal(error) } };
  }
  try {
    return await examineOpened(store);
  } finally {
    await closeStore(store);
  }
}

async function examineOpened(store: IndexedStore): Promise<Examined> {
  const alarms: string[] = [];
  const findings = await check(store);
  const alarm = (text: string): number => alarms.push(text);
  try {
    const service = await openService(store, { now: () => NOW, alarm });
    try {
      return { findings, alarms, answers: await askAll(service) };
    } finally {
      await service.close();
    }
  } catch (error) {
    return { findings, alarms, answers: { opening: refusal(error) } };
  }
}

async function check({ log: store, index }: IndexedStore): Promise<readonly string[]> {
  const ed25519 = nodeEd25519();
  try {
    const heads = await store.heads();
    const headless = await store.headless();
    const findings: Finding[] = headless.map(() => ({ kind: "head-missing" }));
    if (heads.length + headless.length === 0) return ["refused: the store holds no log"]; // as the command says
    for (const head of heads) {
      const key = new LogKey(`${ORIGIN}/${head.log}`, KEYRING, ed25519);
      const source = { log: head.log, store, format: logFormat(formatIn(head.format), nodeSha256), key };
      findings.push(...(await fsck({ source, index, ed25519 }, head)).findings);
    }
    return findings.map(findingText);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error; // a fault of ours names nothing
    return [refusal(error)];
  }
}

async function askAll(service: AuditService): Promise<Answers> {
  const answers: Record<string, string> = {};
  for (const [name, ask] of Object.entries(questions(service))) {
    answers[name] = await ask().catch(refusal);
  }
  return answers;
}

function questions(service: AuditService): Readonly<Record<string, () => Promise<string>>> {
  const log = "default";
  const search =
    (query: string, more: object = {}) =>
    async (): Promise<string> => {
      const { result, leafIndexes } = await service.search({ log, query, order: ASCENDING, ...more }, { first: 1_000 });
      const outcomes = await service.entries(log, leafIndexes);
      const shown = outcomes.map(async (outcome) => {
        if (outcome.kind !== "entry") return outcome.kind;
        return (await result.matches(outcome.entry)) ? text(outcome) : "stray";
      });
      return (await Promise.all(shown)).join("\n");
    };
  const at = (second: number): string => new Date((NEW_YEAR + second * STEP_MICROS) / 1_000).toISOString();
  return {
    "every entry": async () => (await service.entries(log, ALL)).map(text).join("\n"),
    "the root of 1": async () => JSON.stringify(await service.root(log, 1)),
    "the root of 256": async () => JSON.stringify(await service.root(log, 256)),
    "the root of 300": async () => JSON.stringify(await service.root(log, SIZE)),
    proofs: async () => proofs(service),
    consistency: async () =>
      JSON.stringify(await service.consistencyProof({ log, fromSize: 200, toSize: SIZE }), bytesAsHex),
    "a window": search("", { window: { start: at(100), end: at(200) } }),
    "the oldest window": search("", { window: { end: at(5) } }),
    "the newest window": search("", { window: { start: at(290), end: at(299) } }),
    "a word": search("mallory", { window: { end: at(298) } }),
    "a value": search("tenantId=t1", { window: { end: at(298) } }),
    "an order": search("mallory", { window: { end: at(298) }, order: { field: "message", direction: "asc" } }),
    "a count": async () => {
      const { result } = await service.search({ log, query: "mallory" }, {});
      return String(await result.totalCount());
    },
    "an entry by its hash": async () => {
      const hash = digestOf(
        (await service.membershipProofs({ log, treeSize: SIZE, leafIndexes: [100] }))[0]?.leafHash ?? new Uint8Array(),
      );
      return text(await service.entryByHash(log, hash));
    },
    "a download": async () => download(service),
    "a tail": async () => tail(service),
    "a repeated request": async () => receipt(await service.append(KEYED, ALICE)),
    "a bulk request": async () => bulk(service, "later"),
    "a new entry": async () => {
      const { entries } = await service.append({
        log,
        events: [{ event: { message: "new" } }],
        sign: false,
        path: "event",
      });
      return entries.map(({ envelope }) => envelope.received_at).join();
    },
    "the last entries": async () => (await service.entries(log, [SIZE, SIZE + 1])).map(text).join("\n"),
  };
}

function text(outcome: EntryOutcome): string {
  return outcome.kind === "entry" ? `${outcome.entry.leafIndex} ${outcome.entry.canonical}` : outcome.kind;
}

async function proofs(service: AuditService): Promise<string> {
  const made = await service.membershipProofs({ log: "default", treeSize: SIZE, leafIndexes: [0, 100, 255, 256, 299] });
  return JSON.stringify(made, bytesAsHex);
}

/** A driver's Buffer has a `toJSON` of its own, which is asked before this is. */
function bytesAsHex(this: Readonly<Record<string, unknown>>, key: string): unknown {
  const value = this[key];
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

async function download(service: AuditService): Promise<string> {
  const { result } = await service.search({ log: "default", query: "bob", order: ASCENDING }, {});
  const lines = [];
  const { id } = result;
  const whole = await service.download({ id, everyMatch: true });
  for await (const page of whole.pages(new AbortController().signal)) lines.push(...page.map(text));
  return lines.join("\n");
}

async function tail(service: AuditService): Promise<string> {
  const stop = new AbortController();
  const lines = [];
  for await (const outcome of await service.tail({ log: "default", fromLeafIndex: 0 }, stop)) {
    lines.push(text(outcome));
    if (lines.length === SIZE) stop.abort();
  }
  return lines.join("\n");
}

function receipt({ entries, root }: Receipt): string {
  return JSON.stringify([entries.map(({ leafIndex, canonical }) => [leafIndex, canonical]), root]);
}

async function bulk(service: AuditService, idempotencyKey: string): Promise<string> {
  const found = await service.bulkRequest(bulkId("default", idempotencyKey), ALICE);
  if (found === undefined) return "refused: unknown";
  return JSON.stringify(found.logged.entries.map(({ leafIndex, envelope }) => [leafIndex, envelope.event]));
}

function refusal(error: unknown): string {
  return `refused: ${error instanceof Error ? error.message : String(error)}`;
}
