import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { open } from "node:fs/promises";

/** The modes of what a gateway makes: nobody else on the machine may read what is logged, whatever the umask is. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
const OTHERS_MAY = 0o077;

/** Makes a folder and those above it that are missing. Throws the system's error when it cannot. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
}

/** Makes the names in a folder durable: a new or renamed file survives a power failure only once its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  const canOpenFolders = process.platform !== "win32";
  if (!canOpenFolders) return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Makes an empty file where there is none, for a library that would make it with the mode that the umask leaves. Where that
 * fails, the library's own attempt says why.
 */
export function makePrivateFile(path: string): void {
  if (existsSync(path)) return;
  try {
    closeSync(openSync(path, "wx", FILE_MODE));
  } catch {
    return;
  }
}

/**
 * Whether a file belongs to this user. Secrets that Docker or Kubernetes mounts belong to root, and their operators
 * decide who may read them.
 */
export function isOurs(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

/**
 * One sentence for the operator: which of these files and folders others on this machine may read or change, and what to
 * do. Undefined when there is none. What is there is never changed: somebody may rely on it, such as a backup.
 */
export function exposureOf(paths: readonly string[]): string | undefined {
  if (process.platform === "win32") return undefined; // no such permissions there
  const exposed = paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & OTHERS_MAY) === 0) return [];
    return `${path} (${(found.mode & 0o777).toString(8).padStart(4, "0")})`;
  });
  if (exposed.length === 0) return undefined;
  const advice = "keep them in a folder of their own with mode 0700 (chmod 700), the files with mode 0600 (chmod 600)";
  return `others on this machine may read or change ${exposed.join(", ")}: ${advice}`;
}
