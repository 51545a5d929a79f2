import { open, type FileHandle } from "node:fs/promises";
import { AuditError } from "../audit/errors.js";

/** The maximum age of a cached result: a revoked key is refused at most this much later. */
const CHECK_EVERY_MS = 1_000;
const WORLD_WRITABLE = 0o002;

interface Loaded<T> {
  readonly stamp: string;
  readonly value: T;
}

/**
 * A file that decides whom the gateway admits, read again when it changes. The file on disk is authoritative: while it
 * is missing or unreadable nobody is admitted, not even by an older version.
 */
export class WatchedFile<T> {
  private loaded: Loaded<T> | undefined;
  private checkedAtMs = -Infinity;
  private checking: Promise<T> | undefined;

  /** `parse` throws on a text that it cannot read fully; `now` is a clock in milliseconds. */
  constructor(
    readonly path: string,
    private readonly parse: (text: string) => T,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Rejects with AuditError UNAVAILABLE, whose cause is for the operator's log only. */
  async current(): Promise<T> {
    const fresh = this.now() - this.checkedAtMs < CHECK_EVERY_MS;
    if (fresh && this.loaded !== undefined) return this.loaded.value;
    this.checking ??= this.check().finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async check(): Promise<T> {
    const startedMs = this.now();
    try {
      this.loaded = await this.load();
    } catch (cause) {
      throw new AuditError("UNAVAILABLE", "Credentials cannot be checked now: try again.", { cause });
    }
    this.checkedAtMs = startedMs;
    return this.loaded.value;
  }

  private async load(): Promise<Loaded<T>> {
    const file = await open(this.path);
    try {
      const stamp = await stampOf(file, this.path);
      if (stamp === this.loaded?.stamp) return this.loaded;
      return { stamp, value: this.parse(await file.readFile("utf8")) };
    } finally {
      await file.close();
    }
  }
}

/** The inode counts too: a file replaced by renaming may have the size and the second of the old one. */
async function stampOf(file: FileHandle, path: string): Promise<string> {
  const { ino, size, mtimeMs, mode } = await file.stat();
  if (process.platform !== "win32" && (mode & WORLD_WRITABLE) !== 0) {
    throw new Error(`${path} decides who is let in, but everyone on this machine may write to it: chmod o-w`);
  }
  return `${ino}:${size}:${mtimeMs}`;
}
