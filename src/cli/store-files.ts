import { existsSync } from "node:fs";
import { AuditError } from "../audit/errors.js";
import type { IndexedStore } from "../audit/search-index.js";
import type { LogHead } from "../audit/store.js";
import { formatIn } from "../audit/log-declaration.js";
import { logFormat } from "../core/format.js";
import type { TreeSource } from "../engine/tree/signed-tree.js";
import type { Keyring } from "../keys/keyring.js";
import { LogKey } from "../keys/log-key.js";
import type { KeyFiles } from "../keys/seed-file.js";
import { nodeEd25519, nodeSha256 } from "../keys/node-crypto.js";
import type { Settings } from "../settings/read.js";
import { explanation } from "./explanation.js";
import type { Console } from "./key.js";

/** What the commands on stored logs need, given by the one place that knows every engine. */
export interface StoreTools {
  openStore(url: string, keyring: Keyring): Promise<IndexedStore>;
  openKeyring(files: KeyFiles): Promise<Keyring>;
}

/** A command's tools, and where it writes. */
export interface StoreRun {
  readonly tools: StoreTools;
  readonly to: Console;
}

/** How a command on a stored log ended. */
export const SOUND = 0;
export const FOUND = 1;
export const IMPOSSIBLE = 2;

/** These commands look at what is there: a mistyped path must not make a new log, nor a new key that fits no log. */
function requireFiles(store: string, keyFile: string): void {
  const path = store.startsWith("sqlite:") ? store.slice("sqlite:".length) : undefined;
  if (path !== undefined && !existsSync(path)) throw new AuditError("NOT_FOUND", `There is no log file at ${path}.`);
  if (existsSync(keyFile)) return;
  throw new AuditError(
    "NOT_FOUND",
    `There is no key at ${keyFile}: name the log's key with AUDITQL_KEY_FILE or --key-file.`,
  );
}

/** The logs of a store, open. */
export interface StoredLogs {
  readonly opened: IndexedStore;
  readonly keyring: Keyring;
  /** One for each log that has one. */
  readonly heads: readonly LogHead[];
  /** Where this log, or its copy in another store, is read from, and what its checkpoints are checked with. */
  readonly source: (head: LogHead, from?: IndexedStore) => TreeSource;
}

/** Throws NOT_FOUND where a store holds none. */
export function requireLogs(count: number): void {
  if (count === 0) throw new AuditError("NOT_FOUND", "The store holds no log.");
}

/** Opens a store for as long as `use` takes. Rejects with an AuditError NOT_FOUND when it or its key is missing. */
export async function withStoredLogs<T>(
  { store, origin, ...files }: Settings["storage"],
  tools: StoreTools,
  use: (logs: StoredLogs) => Promise<T>,
): Promise<T> {
  requireFiles(store, files.keyFile);
  const keyring = await tools.openKeyring(files);
  return withStore(tools.openStore(store, keyring), async (opened) => {
    const heads = await opened.log.heads();
    const source = ({ log, format }: LogHead, from = opened): TreeSource => {
      const key = new LogKey(`${origin}/${log}`, keyring, nodeEd25519());
      return { log, store: from.log, format: logFormat(formatIn(format), nodeSha256), key };
    };
    return use({ opened, heads, source, keyring });
  });
}

/** Closes the store when `use` has ended. */
export async function withStore<T>(
  opening: Promise<IndexedStore>,
  use: (store: IndexedStore) => Promise<T>,
): Promise<T> {
  const opened = await opening;
  try {
    return await use(opened);
  } finally {
    await closeStore(opened);
  }
}

/** What cannot be done has its own exit code, so that a script can tell it from a finding: a fault of ours, too. */
export async function orImpossible(command: Promise<number>, note: (text: string) => void): Promise<number> {
  try {
    return await command;
  } catch (error) {
    note(explanation(error));
    return IMPOSSIBLE;
  }
}

export async function closeStore({ index, log }: IndexedStore): Promise<void> {
  await index.close();
  await log.close();
}
