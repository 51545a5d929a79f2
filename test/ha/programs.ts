import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync } from "node:fs";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../program.js";
import { serverUser } from "../stores/postgres/server.js";

export interface ProgramSettings {
  /** Names its folder and its log. */
  readonly name: string;
  /** On PATH, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** PostgreSQL and PgBouncer refuse to run as root; a gateway has to be let into the folder that it was built in. */
  readonly runsAs: "server user" | "this user";
  readonly env?: Readonly<Record<string, string>>;
}

/** How long the supervisor waits before it starts a program again that ended by itself. */
const RESTART_MS = 1_000;

/**
 * The programs of one run, under a supervisor that starts again what ends by itself, as systemd would with `Restart=always`.
 *
 * Each runs in a folder of its own below one temporary folder, and the processes of a program are those that work in its folder:
 * so a fault hits PostgreSQL, which Patroni starts and lets go of, together with all its children, and nothing else.
 */
export class Programs {
  readonly folder: string;
  readonly #supervised = new Map<string, Supervised>();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "auditql-ha-"));
    chmodSync(this.folder, 0o755);
    own(this.folder);
  }

  /** The folder that a program runs in; made when first asked for. */
  folderOf(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    own(folder);
    return folder;
  }

  start(settings: ProgramSettings): void {
    const { name } = settings;
    this.#supervised.set(name, new Supervised(settings, this.folderOf(name), this.logPath(name)));
  }

  /** Runs a program to its end; resolves with its exit code, undefined when a signal ended it. */
  async run(settings: ProgramSettings): Promise<number | undefined> {
    const started = spawnInto(settings, this.folderOf(settings.name), this.logPath(settings.name));
    const [code] = (await once(started, "exit")) as [number | null];
    return code ?? undefined;
  }

  /** Sends a signal to every process of a program, and to those that start meanwhile. */
  signal(name: string, signal: "SIGSTOP" | "SIGCONT"): void {
    signalAll(this.folderOf(name), signal);
  }

  /** Ends every process of a program as a power failure would, and does not start it again. */
  kill(name: string): void {
    this.#supervised.get(name)?.release();
    signalAll(this.folderOf(name), "SIGKILL");
  }

  startAgain(name: string): void {
    this.#supervised.get(name)?.start();
  }

  /** How often a program has been started again because it ended by itself. */
  restarts(name: string): number {
    return this.#supervised.get(name)?.restarts ?? 0;
  }

  /** What a program has printed so far. */
  log(name: string): string {
    return readFileSync(this.logPath(name), "utf8");
  }

  names(): readonly string[] {
    return [...this.#supervised.keys()];
  }

  /** Ends everything and removes the folder; may be called when the process exits, so it waits for nothing. */
  close(): void {
    for (const supervised of this.#supervised.values()) supervised.release();
    signalAll(this.folder, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  private logPath(name: string): string {
    return join(this.folder, `${name}.log`);
  }
}

/** One program: started, and started again when it ends by itself. */
class Supervised {
  restarts = 0;
  #isReleased = false;
  #process: ChildProcess | undefined;

  constructor(
    private readonly settings: ProgramSettings,
    private readonly folder: string,
    private readonly logPath: string,
  ) {
    this.start();
  }

  start(): void {
    this.#isReleased = false;
    const started = spawnInto(this.settings, this.folder, this.logPath);
    this.#process = started;
    started.once("exit", () => void this.#startAgain(started));
  }

  release(): void {
    this.#isReleased = true;
  }

  async #startAgain(ended: ChildProcess): Promise<void> {
    await sleep(RESTART_MS, undefined, { ref: false });
    if (this.#isReleased || this.#process !== ended) return;
    this.restarts++;
    this.start();
  }
}

function spawnInto({ command, args, env, runsAs }: ProgramSettings, folder: string, logPath: string): ChildProcess {
  const log = openSync(logPath, "a");
  try {
    return spawn(isAbsolute(command) ? command : requiredProgram(command), args, {
      ...(runsAs === "server user" && serverUser()),
      cwd: folder,
      env: { PATH: process.env["PATH"], LANG: "C.UTF-8", HOME: folder, ...env },
      stdio: ["ignore", log, log],
    });
  } finally {
    closeSync(log);
  }
}

/** The absolute path of a program; throws an Error that names it. */
export function requiredProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed: see "Build and test" in CONTRIBUTING.md`);
  return path;
}

function own(path: string): void {
  const owner = serverUser();
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

/** Signals every process below a folder, until a look finds none that was not signalled: a process may have been starting one. */
function signalAll(folder: string, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  const signalled = new Set<number>();
  for (;;) {
    const found = processesIn(folder).filter((pid) => !signalled.has(pid));
    if (found.length === 0) return;
    for (const pid of found) {
      signalled.add(pid);
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** The ids of the processes whose working folder is this one or below it. */
function processesIn(folder: string): readonly number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      return cwd === folder || cwd.startsWith(folder + sep);
    } catch {
      return false;
    }
  });
}
