import type { Alarm } from "../../audit/alarm.js";
import type { RootCache } from "../../audit/cache.js";
import { timeText, type Clock } from "../../audit/clock.js";
import { AuditError, endsLog } from "../../audit/errors.js";
import { formatIn, storedFormat, type LogDeclaration, type StoredFormat } from "../../audit/log-declaration.js";
import type { LogHead, LogStore } from "../../audit/store.js";
import type { TreeEdge } from "../../core/tree.js";
import { isReceivedAt, logFormat, withKnownNodes } from "../../core/format.js";
import type { Keyring } from "../../keys/keyring.js";
import { LogKey } from "../../keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../keys/node-crypto.js";
import {
  checkpointEdge,
  inSnapshot,
  noHead,
  restoreTree,
  type SignedTree,
  type TreeSource,
  type TreeView,
} from "../tree/signed-tree.js";
import type { QueueLimits } from "./batch.js";

/** What all logs of a gateway share. */
export interface LogEnvironment {
  readonly store: LogStore;
  readonly cache: RootCache;
  readonly keyring: Keyring;
  /** The deployment's name in checkpoints; a log's origin is this, a slash, and its id. */
  readonly origin: string;
  readonly clock: Clock;
  /** Whether other gateways write to the same store, so that the newest tree must be looked up there. */
  readonly sharedStore: boolean;
  /** Called about something that an operator must look at: a log that cannot be trusted. */
  readonly alarm: Alarm;
  /** Called with a sentence when the reason for an alarm is gone. */
  readonly note: (message: string) => void;
  /** As LocalServiceOptions.onWaiting. */
  readonly onWaiting?: ((log: string, events: number) => void) | undefined;
  readonly limits?: QueueLimits | undefined;
  readonly appendTimeoutMs?: number | undefined;
  /** As HistoryOptions.patienceMs. Default 5,000. */
  readonly behindPatienceMs?: number | undefined;
}

/** A log that was found in the store or created there. */
export interface RestoredLog {
  readonly source: TreeSource;
  readonly tree: SignedTree | BrokenTree;
}

/**
 * Why a log accepts no entries, and what can still be shown of it: the entries of a tree that the log signed, if there
 * is one.
 */
export interface BrokenTree {
  readonly error: AuditError;
  readonly edge: TreeEdge | undefined;
}

/**
 * Finds a log, or creates it where it does not exist. A log whose hashes do not lead to its signed root is broken.
 * Rejects with CONFLICT when the log exists in another format or with another schema, and with UNAVAILABLE when the store does not answer.
 */
export async function restoreLog(
  { store, keyring, origin, clock, alarm }: LogEnvironment,
  declaration: LogDeclaration,
): Promise<RestoredLog> {
  const { log, format: name } = declaration;
  const declared = storedFormat(declaration, nodeSha256);
  const key = new LogKey(`${origin}/${log}`, keyring, nodeEd25519());
  const source = { log, store, format: withKnownNodes(logFormat(name, nodeSha256)), key };
  const now = timeText(clock());
  const head = (await store.head(log)) ?? (await created(source, declared, now));
  if ("error" in head) return { source, tree: head };
  if (head.format !== declared) throw new AuditError("CONFLICT", otherDeclaration(log, head.format, declared));
  return { source, tree: await restore(source, now, alarm) };
}

function otherDeclaration(log: string, stored: StoredFormat, declared: StoredFormat): string {
  const [was, is] = [formatIn(stored), formatIn(declared)];
  if (was !== is) return `The log ${log} exists in the format ${was}; it cannot become ${is}.`;
  if (stored === was)
    return `The log ${log} exists without a schema, and cannot be given one: declare another log for it.`;
  const expected = `it was created with the schema ${stored.slice(was.length + 1)}`;
  if (declared === is) return `The log ${log} is declared without a schema: ${expected}, which must be named.`;
  return `The log ${log} is declared with another schema: ${expected}, of which only order, visibility, names, descriptions and what is required may change.`;
}

/** A log found under another name has a changed head: it must not be replaced by an empty log. */
async function created(source: TreeSource, declared: StoredFormat, now: string): Promise<LogHead | BrokenTree> {
  const { log, store, key } = source;
  const others = (await store.heads()).filter((head) => head.log !== log);
  const renamed = others.find(({ checkpoint }) => key.open(checkpoint).kind === "opened");
  if (renamed === undefined) return store.createLog(emptyHead(source, declared, now)).catch(brokenBy);
  const sentence = `The log ${log} is stored as ${JSON.stringify(renamed.log)}: its head was changed.`;
  return { error: new AuditError("LOG_CORRUPT", sentence), edge: undefined };
}

function brokenBy(error: unknown): BrokenTree {
  if (endsLog(error)) return { error, edge: undefined };
  throw error;
}

/**
 * An empty log's creation time is in its head alone. It must not be later than now, because all entries would inherit
 * it.
 */
function dated(head: LogHead, now: string): LogHead {
  return head.size > 0 || (isReceivedAt(head.lastReceivedAt) && head.lastReceivedAt <= now)
    ? head
    : { ...head, lastReceivedAt: now };
}

/** The tree of a log that exists, or why there is none. Rejects when the store does not answer. */
export function restore(source: TreeSource, now: string, onDamage: Alarm): Promise<SignedTree | BrokenTree> {
  return inSnapshot(source, async (view) => {
    const head = await view.store.head(view.log);
    return head === undefined ? brokenBy(await noHead(view)) : restoreHead(view, dated(head, now), onDamage);
  });
}

async function restoreHead(view: TreeView, head: LogHead, onDamage: Alarm): Promise<SignedTree | BrokenTree> {
  try {
    const tree = await restoreTree(view, head, onDamage);
    await requireWhole(view, head);
    return tree;
  } catch (error) {
    if (!endsLog(error)) throw error;
    const edge = await checkpointEdge(view, head);
    return { error, edge: edge?.size === 0 ? undefined : edge }; // an empty tree would show that nothing was logged
  }
}

/**
 * Entries and head are written together, so an entry beyond the head, or a log without a head, means that the head was
 * put back.
 */
async function requireWhole({ log, store }: TreeView, { size }: LogHead): Promise<void> {
  const [behind] = await store.entries(log, [size]);
  if (behind === undefined) return;
  const newer = await store.head(log); // an engine without snapshots: the entry may just have been appended
  if (newer !== undefined && newer.size > size) return;
  throw new AuditError("LOG_CORRUPT", `The log ${log} has an entry beyond its head of ${size}: its head was put back.`);
}

function emptyHead({ log, format, key }: TreeSource, declared: StoredFormat, createdAt: string): LogHead {
  const rootHash = format.emptyRoot;
  return { log, format: declared, size: 0, rootHash, checkpoint: key.sign(0, rootHash), lastReceivedAt: createdAt };
}
