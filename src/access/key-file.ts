import { open, readFile, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { apiKeyText, newApiKey, secretHash } from "./api-key.js";
import { hasCode } from "../audit/errors.js";
import { FILE_MODE, makePrivateFolder, syncFolder } from "../keys/private-file.js";
import type { Grant } from "./grant.js";
import { keySetText, parseKeySet, type StoredKey } from "./key-set.js";

export interface KeyOrder extends Grant {
  /** For people: who or what uses the key. */
  readonly name: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
}

export interface CreatedKey {
  readonly stored: StoredKey;
  /** The key itself. It is not stored, so it can only be seen now. */
  readonly text: string;
}

/** The keys in a file; none when there is no file. Throws an Error on a file that it cannot read fully. */
export async function readKeys(path: string): Promise<readonly StoredKey[]> {
  try {
    return parseKeySet(await readFile(path, "utf8")).keys;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw new Error(`${path} cannot be read: ${String(error)}`, { cause: error });
  }
}

/** Makes a key and adds it to the file, which is created if missing. */
export async function createKey(path: string, order: KeyOrder, now: Date): Promise<CreatedKey> {
  const key = newApiKey();
  const hash = secretHash(key.secret).toString("hex");
  const stored: StoredKey = { id: key.id, secretHash: hash, createdAt: now.toISOString(), ...order };
  makePrivateFolder(dirname(path));
  await changeKeys(path, (keys) => [...keys, stored]);
  return { stored, text: apiKeyText(key) };
}

/**
 * Marks a key as revoked; it stays in the list, so that entries logged with it can still be traced. Revoking again
 * keeps the first time. Throws an Error when there is no such key.
 */
export async function revokeKey(path: string, id: string, now: Date): Promise<void> {
  await changeKeys(path, (keys) => {
    if (!keys.some((key) => key.id === id)) throw new Error(`${path} has no key ${id}`);
    return keys.map((key) => (key.id === id ? { revokedAt: now.toISOString(), ...key } : key));
  });
}

/**
 * Replaces the file in one step, so that gateways read either the old or the new list. The new file's name is also the
 * lock against a concurrent change, which would undo this one. If the path is a link, its target is replaced and keeps
 * its owner: a gateway that runs as another user must still be able to read it.
 */
async function changeKeys(named: string, change: (keys: readonly StoredKey[]) => readonly StoredKey[]): Promise<void> {
  const path = await unlessMissing(realpath(named), named);
  const next = `${path}.new`;
  const file = await openNew(next);
  try {
    try {
      await keepOwner(file, path);
      await file.writeFile(keySetText(change(await readKeys(path))));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  // A revoked key must stay revoked after a power failure
  await syncFolder(dirname(path));
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", FILE_MODE);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    const advice = "another change is running or was interrupted: if none is running, delete it";
    throw new Error(`${path} exists: ${advice}`, { cause: error });
  }
}

async function keepOwner(file: FileHandle, path: string): Promise<void> {
  const old = await unlessMissing(stat(path), undefined);
  if (old === undefined) return;
  const { uid, gid } = await file.stat();
  try {
    if (uid !== old.uid || gid !== old.gid) await file.chown(old.uid, old.gid);
    await file.chmod(old.mode & 0o777);
  } catch (error) {
    throw new Error(`${path} belongs to user ${old.uid}, group ${old.gid}: change it as that user`, { cause: error });
  }
}

async function unlessMissing<T, U>(found: Promise<T>, missing: U): Promise<T | U> {
  try {
    return await found;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return missing;
    throw error;
  }
}
