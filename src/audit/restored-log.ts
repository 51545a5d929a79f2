import { logFormat, type FormatName } from "../core/format.js";
import type { CachedRoot, RootCache } from "./cache.js";
import { timeText, type Clock } from "./clock.js";
import { AuditError, endsLog } from "./errors.js";
import type { Keyring } from "./keyring.js";
import { LogKey } from "./log-key.js";
import { nodeEd25519, nodeSha256 } from "./node-crypto.js";
import { Prover } from "./prover.js";
import type { QueueLimits } from "./queue.js";
import { requireHistory } from "./root-history.js";
import { restoreTree, type SignedTree, type TreeSource } from "./signed-tree.js";
import type { LogHead, LogStore } from "./store.js";
import { TileReader } from "./tile-reader.js";

/** A log that a gateway is told to keep. */
export interface LogDeclaration {
  readonly log: string;
  readonly format: FormatName;
}

/** What all logs of a gateway have in common. */
export interface LogEnvironment {
  readonly store: LogStore;
  readonly cache: RootCache;
  readonly keyring: Keyring;
  /** The deployment's name in checkpoints; a log's origin is this, a slash, and its id. */
  readonly origin: string;
  readonly clock: Clock;
  /** Other gateways write to the same store: the newest tree is looked for there, not in this process alone. */
  readonly sharedStore: boolean;
  /** Told, in one sentence, of what an operator must look at: a log that cannot be trusted. */
  readonly alarm: (message: string) => void;
  /** As LocalServiceOptions.onWaiting. */
  readonly onWaiting?: (log: string, events: number) => void;
  readonly limits?: QueueLimits;
  readonly appendTimeoutMs?: number;
}

/** A log as it was found in the store, or made there. */
export interface RestoredLog {
  readonly source: TreeSource;
  readonly tree: SignedTree | BrokenTree;
}

/** Why a log's tree cannot be trusted, and the number of entries that its head says. */
export interface BrokenTree {
  readonly error: AuditError;
  readonly size: number;
}

/**
 * Finds a log, and creates it where it does not exist. One whose hashes do not lead to its signed root is broken, and so is
 * one that contradicts a root which the cache remembers. Rejects CONFLICT when the log exists in another format.
 */
export async function restoreLog(
  { store, cache, keyring, origin, clock }: LogEnvironment,
  { log, format: name }: LogDeclaration,
): Promise<RestoredLog> {
  const key = new LogKey(`${origin}/${log}`, keyring.checkpointSeed, nodeEd25519());
  const source = { log, store, format: logFormat(name, nodeSha256), key };
  const remembered = await cache.remembered(log); // before the head: see requireHistory
  const head = await store.createLog(emptyHead(source, timeText(clock())));
  if (head.format !== name) {
    throw new AuditError("CONFLICT", `The log ${log} exists in the format ${head.format}; it cannot become ${name}.`);
  }
  return { source, tree: await restore(source, head, remembered) };
}

async function restore(
  source: TreeSource,
  head: LogHead,
  remembered: CachedRoot | undefined,
): Promise<SignedTree | BrokenTree> {
  try {
    const tree = await restoreTree(source, head);
    await requireHistory(source, new Prover(source, new TileReader(source)), { tree, remembered });
    return tree;
  } catch (error) {
    if (endsLog(error)) return { error, size: head.size };
    throw error;
  }
}

function emptyHead({ log, format, key }: TreeSource, createdAt: string): LogHead {
  const rootHash = format.emptyRoot;
  return { log, format: format.name, size: 0, rootHash, checkpoint: key.sign(0, rootHash), lastReceivedAt: createdAt };
}
