import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a program as root: directly, or by a sudo that asks no questions. */
export function asRoot(program: string, ...args: readonly string[]): SpawnSyncReturns<string> {
  const options = { encoding: "utf8" } as const;
  if (process.getuid?.() === 0) return spawnSync(program, args, options);
  return spawnSync("sudo", ["-n", program, ...args], options);
}

function required({ status, stderr }: SpawnSyncReturns<string>): void {
  if (status !== 0) throw new Error(stderr);
}

/** A file system of a few bytes of memory, so that it can be full. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** `owner` may write it. Throws where this machine lets nobody mount. */
  static mount(bytes: number, owner: { readonly uid: number; readonly gid: number }): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), "auditql-disk-"));
    const mounted = asRoot("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=0700,${ids(owner)}`, "tmpfs", path);
    if (mounted.status !== 0) rmdirSync(path);
    required(mounted);
    return new SmallDisk(path);
  }

  /** Nothing on it is lost. */
  resize(bytes: number): void {
    required(asRoot("mount", "-o", `remount,size=${bytes}`, this.path));
  }

  /** Only while no file on it is open for writing. */
  setReadOnly(isReadOnly: boolean): void {
    required(asRoot("mount", "-o", `remount,${isReadOnly ? "ro" : "rw"}`, this.path));
  }

  unmount(): void {
    required(asRoot("umount", this.path));
    rmdirSync(this.path);
  }
}

const ids = ({ uid, gid }: { readonly uid: number; readonly gid: number }): string => `uid=${uid},gid=${gid}`;

/** Whether this process may mount a file system. */
export function canMount(): boolean {
  try {
    SmallDisk.mount(65_536, { uid: 0, gid: 0 }).unmount();
    return true;
  } catch {
    return false;
  }
}

/** Makes files such that nobody, root included, can write them, not even through a descriptor that is open; or ends that. */
export function setImmutable(isImmutable: boolean, paths: readonly string[]): void {
  required(asRoot("chattr", isImmutable ? "+i" : "-i", ...paths));
}

/** Whether this process may make files immutable where tests keep theirs. */
export function canSetImmutable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "auditql-immutable-"));
  try {
    const path = join(folder, "file");
    writeFileSync(path, "");
    setImmutable(true, [path]);
    setImmutable(false, [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
