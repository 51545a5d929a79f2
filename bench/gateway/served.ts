import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** A server in a process of its own, so that client and server do not share an event loop. */
export interface Served {
  readonly url: string;
  /** From the start of the process until it said its address. */
  readonly startMs: number;
  /** The memory that the process has now, in MiB. Linux only. */
  memoryMiB(): number;
  /** The processor time of all its threads so far, in steps of 10 ms. Linux only. */
  processorMs(): number;
  /** Of it, that of the thread that answers requests. Linux only. */
  mainThreadMs(): number;
  /** Its open files and sockets. Linux only. */
  descriptors(): number;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
/** As the image and the unit for systemd start it; peers are started with the same. */
export const NODE_OPTIONS = ["--max-semi-space-size=32"];

/** The gateway as an operator starts it, on a SQLite file in `folder`, with `options` of Node's own. */
export function serveSqlite(folder: string, options: readonly string[] = []): Promise<Served> {
  return serve([...NODE_OPTIONS, ...options, "build/dist/main.js", "serve"], {
    AUDITQL_PORT: "0",
    AUDITQL_STORE: `sqlite:${folder}/audit.db`,
    AUDITQL_KEY_FILE: `${folder}/auditql.key`,
  });
}

/** One of several gateways on a database; they share the key file in `folder`, so start the first one alone. */
export function servePostgres(folder: string, databaseUrl: string): Promise<Served> {
  return serve([...NODE_OPTIONS, "build/dist/main.js", "serve"], {
    AUDITQL_PORT: "0",
    AUDITQL_STORE: databaseUrl,
    AUDITQL_KEY_FILE: `${folder}/auditql.key`,
  });
}

/** The gateway on a log of the format pangea, for its door of the Pangea protocol. */
export function servePangea(folder: string): Promise<Served> {
  return serve([...NODE_OPTIONS, "build/dist/main.js", "serve"], {
    AUDITQL_PORT: "0",
    AUDITQL_STORE: `sqlite:${folder}/audit.db`,
    AUDITQL_KEY_FILE: `${folder}/auditql.key`,
    AUDITQL_LOG_FORMAT: "pangea",
  });
}

/** The gateway in front of a service of the Pangea protocol. */
export function serveInFront(folder: string, { url }: Pick<Served, "url">): Promise<Served> {
  return serve([...NODE_OPTIONS, "build/dist/main.js", "serve"], {
    AUDITQL_PORT: "0",
    AUDITQL_STORE: `pangea+${new URL("/", url).href}`,
    AUDITQL_PANGEA_TOKEN: "none",
    AUDITQL_KEY_FILE: `${folder}/front.key`,
  });
}

/** The same server with a service behind it that does nothing: what GraphQL and HTTP cost by themselves. */
export function serveNoOp(): Promise<Served> {
  return serve([...NODE_OPTIONS, "build/bench/gateway/no-op.js"], {});
}

/** A program that says its address in one line; `cwd` is where it is run. */
export async function serve(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  cwd = process.cwd(),
): Promise<Served> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...settings, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = await Promise.race([addressFrom(child), failure(child)]);
  const startMs = performance.now() - started;
  return {
    url,
    startMs,
    memoryMiB: () => residentMiB(child),
    processorMs: () => processorMs(child),
    mainThreadMs: () => spentMs(`/proc/${String(child.pid)}/task/${String(child.pid)}/stat`).own,
    descriptors: () => readdirSync(`/proc/${String(child.pid)}/fd`).length,
    signal: (name) => child.kill(name),
    stop: () => stop(child),
  };
}

async function addressFrom(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the server has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/\S+\/graphql\b/.exec(line) ?? [];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error("the server ended without saying its address");
}

async function failure(child: ChildProcess): Promise<never> {
  await once(child, "exit", { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
  throw new Error(`the server ended with ${String(child.exitCode)}`);
}

function residentMiB({ pid }: ChildProcess): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

export function processorMs({ pid }: Pick<ChildProcess, "pid">): number {
  return spentMs(`/proc/${String(pid)}/stat`).own;
}

/** The processor time of a process and of all that it has started, in steps of 10 ms. Linux only. */
export function treeProcessorMs(pid: number): number {
  const { own, ended } = spentMs(`/proc/${pid}/stat`);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + ofChild(Number(child)), own + ended);
}

/** One that ends meanwhile is counted by its parent the next time. */
function ofChild(pid: number): number {
  try {
    return treeProcessorMs(pid);
  } catch {
    return 0;
  }
}

/**
 * User and system time of a process or thread, and of its children that have ended: fields 14 to 17 of proc(5), in ticks
 * of 10 ms, counted from behind the name.
 */
function spentMs(file: string): { readonly own: number; readonly ended: number } {
  const [user, system, endedUser, endedSystem] = readFileSync(file, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .slice(11, 15)
    .map(Number);
  return { own: 10 * (Number(user) + Number(system)), ended: 10 * (Number(endedUser) + Number(endedSystem)) };
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
