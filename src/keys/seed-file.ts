import { createPrivateKey, generateKeyPairSync, randomUUID, type KeyObject } from "node:crypto";
import { link, open, readFile, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../audit/errors.js";
import { keyringOfSeed, type Keyring } from "./keyring.js";
import { FILE_MODE, makePrivateFolder, syncFolder } from "./private-file.js";

/** The key file exists but cannot be used; the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

const OTHERS_MAY = 0o077;
const GROUP_READS = 0o040;

/**
 * Returns the 32-byte seed of the deployment's Ed25519 key from a PKCS#8 PEM file, which is created with mode 0600 when
 * missing. Processes that start at the same time make one key and all return it. Rejects with KeyFileError when the
 * file can be neither read nor created, when others may read it, or when it does not hold such a key.
 */
export async function loadOrCreateSeed(path: string): Promise<Uint8Array> {
  return seedOfPem(path, await readOrCreate(path));
}

/**
 * The keyring of a deployment: of its key, made when missing, and of those before it, which must be there. Rejects like
 * loadOrCreateSeed, and when a key is named twice.
 */
export async function openKeyring({ keyFile, previousKeyFiles, isHandingOver }: KeyFiles): Promise<Keyring> {
  const seed = await loadOrCreateSeed(keyFile);
  const previousSeeds = await Promise.all(previousKeyFiles.map(loadSeed));
  const names = [seed, ...previousSeeds].map((one) => Buffer.from(one).toString("hex"));
  if (new Set(names).size < names.length)
    throw new KeyFileError(`${[keyFile, ...previousKeyFiles].join(" and ")} have a key in common: name each key once.`);
  return keyringOfSeed(seed, { previousSeeds, isHandingOver });
}

export interface KeyFiles {
  readonly keyFile: string;
  /** Newest first. */
  readonly previousKeyFiles: readonly string[];
  readonly isHandingOver: boolean;
}

async function loadSeed(path: string): Promise<Uint8Array> {
  if (await exists(path)) return seedOfPem(path, await readOrCreate(path));
  throw new KeyFileError(`There is no previous key at ${path}: correct AUDITQL_PREVIOUS_KEYS or --previous-keys.`);
}

async function readOrCreate(path: string): Promise<string> {
  try {
    if (!(await exists(path))) await createKeyFile(path);
    await refuseOpenPermissions(path);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    const instead = "name another with AUDITQL_KEY_FILE or --key-file, or let this user read and write there";
    throw new KeyFileError(`The key file ${path} cannot be used: ${String(error)}: ${instead}.`);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    },
  );
}

/** Written aside and linked into place: the name appears with all its bytes, and only if no one else was first. */
async function createKeyFile(path: string): Promise<void> {
  makePrivateFolder(dirname(path));
  const aside = `${path}.${randomUUID()}`;
  await writeDurably(aside, newPem());
  try {
    await link(aside, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await unlink(aside);
  }
  // A lost key would orphan every checkpoint signed with it
  await syncFolder(dirname(path));
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function newPem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

async function refuseOpenPermissions(path: string): Promise<void> {
  if (process.platform === "win32") return; // no such permissions there
  const { mode, uid } = await stat(path);
  if ((mode & refusedBits(uid, process.getuid?.())) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new KeyFileError(`The key file ${path} has mode ${octal}, so others could read it: run "chmod 600 ${path}".`);
}

/**
 * The mode bits that a key file must not have. A file of another user, such as a secret that Kubernetes mounts for the
 * group of a pod (fsGroup), can only be read through its group: another operator decided who is in that group.
 */
export function refusedBits(ownerUid: number, uid: number | undefined): number {
  return ownerUid === uid ? OTHERS_MAY : OTHERS_MAY & ~GROUP_READS;
}

function seedOfPem(path: string, pem: string): Uint8Array {
  const key = parsePem(pem);
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new KeyFileError(`The key file ${path} does not hold an Ed25519 private key as PKCS#8 PEM.`);
  }
  return new Uint8Array(Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url"));
}

function parsePem(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
