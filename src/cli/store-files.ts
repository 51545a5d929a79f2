import { existsSync } from "node:fs";
import { AuditError } from "../audit/errors.js";
import type { IndexedStore } from "../audit/search-index.js";
import type { LogHead } from "../audit/store.js";
import { logFormat } from "../core/format.js";
import type { TreeSource } from "../engine/tree/signed-tree.js";
import type { Keyring } from "../keys/keyring.js";
import { LogKey } from "../keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../keys/node-crypto.js";
import { KeyFileError } from "../keys/seed-file.js";
import type { Console } from "./key.js";

/** What the commands on stored logs need, given by the one place that knows every engine. */
export interface StoreTools {
  openStore(url: string): Promise<IndexedStore>;
  openKeyring(keyFile: string): Promise<Keyring>;
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

export const NO_LOG = "The store holds no log.";

/** These commands look at what is there: a mistyped path must not make a new log, nor a new key that fits no log. */
export function requireFiles(store: string, keyFile: string): void {
  const path = store.startsWith("sqlite:") ? store.slice("sqlite:".length) : undefined;
  if (path !== undefined && !existsSync(path)) throw new AuditError("NOT_FOUND", `There is no log file at ${path}.`);
  if (existsSync(keyFile)) return;
  throw new AuditError(
    "NOT_FOUND",
    `There is no key at ${keyFile}: name the log's key with AUDITQL_KEY_FILE or --key-file.`,
  );
}

/** Where a stored log is read from, and what its checkpoints are checked with. */
export function treeSource(
  { log: store }: IndexedStore,
  { log, format }: LogHead,
  { keyring, origin }: { readonly keyring: Keyring; readonly origin: string },
): TreeSource {
  const key = new LogKey(`${origin}/${log}`, keyring.checkpointSeed, nodeEd25519());
  return { log, store, format: logFormat(format, nodeSha256), key };
}

export async function closeStore({ log, index }: IndexedStore): Promise<void> {
  await index.close();
  await log.close();
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

/** What says by itself what to do is one line; anything else is a fault of ours and shows where. */
function explanation(error: unknown): string {
  if (error instanceof AuditError || error instanceof KeyFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
