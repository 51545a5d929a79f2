import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { hasCode } from "../../audit/errors.js";

const CHUNK_BYTES = 1_048_576;

/**
 * Whether what a log file shows is on disk. A commit whose fsync failed is refused, but its frames are in the WAL, so
 * after a crash the next process to open the file sees them. They may not be on disk, and may never be: the kernel
 * reports a failed fsync once, and may treat the pages as clean afterwards. A checkpoint would sync that WAL in vain,
 * and copy from it into the file.
 */
export class WalDurability {
  #isSure = false;

  constructor(private readonly logPath: string) {}

  /** A commit failed: what is shown may not be on disk. */
  doubt(): void {
    this.#isSure = false;
  }

  /**
   * Returns when everything that the file shows is on disk: the WAL's content is rewritten in place and synced. Needs
   * no disk space and disturbs no reader. Only its writer may call it. Throws the system's error when it fails.
   */
  ensure(): void {
    if (this.#isSure) return;
    rewrite(`${this.logPath}-wal`);
    this.#isSure = true;
  }
}

function rewrite(walPath: string): void {
  const wal = openedIfThere(walPath);
  if (wal === undefined) return;
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let at = 0;
    for (let length = readSync(wal, chunk, 0, CHUNK_BYTES, at); length > 0;) {
      writeWhole(wal, chunk.subarray(0, length), at);
      at += length;
      length = readSync(wal, chunk, 0, CHUNK_BYTES, at);
    }
    fsyncSync(wal);
  } finally {
    closeSync(wal);
  }
  syncFolder(dirname(walPath));
}

function openedIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

/** A new file's name is durable only once its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
